// A service under a supervisor whose generations are lineage::generation, as a server uses it.

#include <arpa/inet.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <cstdlib>
#include <optional>
#include <string>

#include "baton/lineage/early_signals.hpp"
#include "baton/lineage/generation.hpp"
#include "unit/lineage/supervised_service.hpp"

namespace baton::lineage::testing {
namespace {

namespace asio = boost::asio;

class real_generation {
 public:
  int run() {
    signals_.add(SIGTERM);
    signals_.add(SIGUSR1);
    await_signal();
    unblock_early_signals();
    open_listener();
    generation_.ready();
    tell("serving");
    context_.run();
    return 0;
  }

 private:
  generation_events events() {
    generation_events events;
    events.prepare_offer = [this] {
      offer what;
      what.listeners.push_back({"web", fmt::format("127.0.0.1:{}", port_), door_->native_handle()});
      return what;
    };
    events.on_handed_over = [this](pid_t) {
      tell("draining");
      leave();
    };
    return events;
  }

  void tell(std::string_view what) {
    const auto line = fmt::format("event {} {} {} {} {}\n", what, generation_.number(), ::getpid(),
                                  port_, inherited_ ? "inherited" : "bound");
    if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) std::abort();
  }

  void open_listener() {
    auto web = generation_.inherited().claim("web", "");
    inherited_ = web.has_value();
    sockaddr_in address{};
    socklen_t size = sizeof address;
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    const int fd =
        web ? web->fd.release() : ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (!web && (::bind(fd, generic, size) != 0 || ::listen(fd, 128) != 0)) std::abort();
    if (::getsockname(fd, generic, &size) != 0) std::abort();
    port_ = ntohs(address.sin_port);
    door_.emplace(context_, fd);
    await_client();
  }

  void await_client() {
    door_->async_wait(asio::posix::stream_descriptor::wait_read, [this](error_code stopped) {
      if (stopped) return;
      const unique_fd client{::accept4(door_->native_handle(), nullptr, nullptr, SOCK_CLOEXEC)};
      const auto answer = fmt::format("{} {}\n", generation_.number(), ::getpid());
      static_cast<void>(::send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL));
      await_client();
    });
  }

  void await_signal() {
    signals_.async_wait([this](error_code stopped, int number) {
      if (stopped) return;
      await_signal();
      if (number == SIGUSR1) return generation_.upgrade({});
      tell("told_to_leave");
      generation_.leave();
      generation_.announced();
      leave();
    });
  }

  /// Nothing is open, so the drain is over as it begins; the loop then runs out of work.
  void leave() {
    asio::post(context_, [this] {
      door_.reset();
      signals_.cancel();
      generation_.done("");
    });
  }

  asio::io_context context_{1};
  asio::signal_set signals_{context_};
  std::optional<asio::posix::stream_descriptor> door_;
  int port_ = 0;
  bool inherited_ = false;
  generation generation_{context_, {}, events()};
};

}  // namespace

int run_supervised_generation() { return real_generation{}.run(); }

}  // namespace baton::lineage::testing

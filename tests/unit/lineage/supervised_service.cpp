#include "unit/lineage/supervised_service.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <string>

#include "baton/base/log.hpp"
#include "baton/lineage/early_signals.hpp"
#include "baton/lineage/supervisor.hpp"
#include "lineage/arrival.hpp"
#include "lineage/handover.hpp"
#include "lineage/parent_link.hpp"
#include "lineage/supervision.hpp"

namespace baton::lineage::testing {
namespace {

namespace asio = boost::asio;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool planned(std::string_view word, std::uint32_t generation) {
  std::ifstream plan{variable(plan_variable)};
  for (std::string line; std::getline(plan, line);)
    if (line == fmt::format("{}:{}", word, generation) || line == fmt::format("{}:0", word))
      return true;
  return false;
}

int bind_loopback() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd, 128) != 0)
    std::abort();
  return fd;
}

int port_of(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) std::abort();
  return ntohs(address.sin_port);
}

class tiny_generation {
 public:
  int run() {
    arrived_ = arrive();
    if (!arrived_) return 99;
    generation_ = arrived_->hello.generation;
    set_log_generation(generation_);
    supervisor_ = supervision::from_environment();
    tell("starting");
    if (planned("exit_at_start", generation_)) return 9;
    if (planned("orphan", generation_)) leave_orphan();
    link_.emplace(context_, std::move(arrived_->channel), arrived_->hello.parent,
                  arrived_->sequence);
    for (const int number : {SIGTERM, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGHUP})
      signals_.add(number);
    await_signal();
    unblock_early_signals();
    open_listeners();
    if (planned("wait_before_ready", generation_)) {
      tell("waiting");
    } else {
      become_ready();
    }
    context_.run();
    return status_;
  }

 private:
  void tell(std::string_view what, std::string_view more = "") {
    const auto line = fmt::format("event {} {} {} {}\n", what, generation_, ::getpid(), more);
    if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) std::abort();
  }

  /// A grandchild whose parent has gone by the time it ends.
  void leave_orphan() {
    int gate[2];
    if (::pipe(gate) != 0) std::abort();
    const pid_t middle = ::fork();
    if (middle == 0) {
      const pid_t orphan = ::fork();
      if (orphan == 0) {
        ::close(gate[1]);
        char end;
        static_cast<void>(!::read(gate[0], &end, 1));
        ::_exit(0);
      }
      tell("orphan", std::to_string(orphan));
      ::_exit(0);
    }
    int ignored = 0;
    ::waitpid(middle, &ignored, 0);
    ::close(gate[0]);
    ::close(gate[1]);
  }

  void open_listeners() {
    auto web = arrived_->inherited.claim("web", "");
    inherited_ = web.has_value();
    const int fd = web ? web->fd.release() : bind_loopback();
    if (planned("two_listeners", generation_)) other_.reset(bind_loopback());
    listener_.emplace(context_, fd);
    await_client();
  }

  void become_ready() {
    arrived_->inherited.listeners.clear();
    if (supervisor_ && !planned("mute", generation_)) {
      std::vector<offered_listener> listeners{
          {"web", fmt::format("127.0.0.1:{}", port()), listener_->native_handle()}};
      if (other_) listeners.push_back({"other", "", other_.get()});
      static_cast<void>(supervisor_->publish(generation_, listeners));
      static_cast<void>(supervisor_->serving(generation_));
    }
    tell("serving", fmt::format("{} {} {}", port(), inherited_ ? "inherited" : "bound",
                                other_ ? port_of(other_.get()) : 0));
    if (planned("die_before_ready", generation_)) ::raise(SIGKILL);
    link_->ready();
    link_->watch({}, {});
  }

  int port() { return port_of(listener_->native_handle()); }

  void await_client() {
    listener_->async_wait(asio::posix::stream_descriptor::wait_read, [this](error_code stopped) {
      if (stopped) return;
      const unique_fd client{::accept4(listener_->native_handle(), nullptr, nullptr, SOCK_CLOEXEC)};
      const auto answer = fmt::format("{} {}\n", generation_, ::getpid());
      static_cast<void>(::send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL));
      await_client();
    });
  }

  void await_signal() {
    signals_.async_wait([this](error_code stopped, int number) {
      if (stopped) return;
      await_signal();
      if (number == SIGUSR1 || number == SIGHUP) return upgrade();
      if (number == SIGUSR2) return go_on();
      leave();
    });
  }

  void go_on() {
    if (drains_) return finish(status_);
    if (planned("quit_silently", generation_)) return finish(0);
    become_ready();
  }

  void leave() {
    ++leave_signals_;
    tell("told_to_leave", std::to_string(leave_signals_));
    if (drains_) return finish(3);
    if (supervisor_) static_cast<void>(supervisor_->leaving(generation_));
    if (!planned("stubborn", generation_)) return finish(planned("exit_five", generation_) ? 5 : 0);
    if (leave_signals_ > 1) finish(7);
  }

  void upgrade() {
    handover_options options;
    options.generation = generation_ + 1;
    options.parent_generation = generation_;
    if (supervisor_) options.program.descriptors = {{supervisor_->fd(), supervisor_variable}};
    offer what;
    what.listeners.push_back({"web", "", listener_->native_handle()});
    if (other_) what.listeners.push_back({"other", "", other_.get()});
    handover_ = std::make_unique<handover>(context_, std::move(options), std::move(what));
    handover_->start([this](outcome<child> ended) { on_upgraded(std::move(ended)); });
    static_cast<void>(supervisor_->upgrading(generation_, handover_->pid()));
  }

  void on_upgraded(outcome<child> ended) {
    if (!ended) {
      static_cast<void>(supervisor_->upgrade_failed(generation_, handover_->pid()));
      tell("upgrade_failed");
      return handover_.reset();
    }
    drains_ = true;
    listener_.reset();
    other_.reset();
    tell("draining");
    if (!planned("linger", generation_)) finish(0);
  }

  void finish(int status) {
    status_ = status;
    context_.stop();
  }

  asio::io_context context_{1};
  asio::signal_set signals_{context_};
  std::optional<arrival> arrived_;
  std::optional<supervision> supervisor_;
  std::optional<parent_link> link_;
  std::optional<asio::posix::stream_descriptor> listener_;
  unique_fd other_;
  std::unique_ptr<handover> handover_;
  std::uint32_t generation_ = 0;
  bool inherited_ = false;
  bool drains_ = false;
  int leave_signals_ = 0;
  int status_ = 0;
};

}  // namespace

int run_supervised_service() {
  try {
    if (supervised() && variable(service_variable) == "generation")
      return run_supervised_generation();
    if (supervised()) return tiny_generation{}.run();
    // The tests cannot know the pid beforehand.
    if (!variable("LISTEN_FDS").empty())
      ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    supervisor_options options;
    options.pid_file = variable(pid_file_variable);
    if (const auto backoff = variable(backoff_variable); !backoff.empty())
      options.backoff = std::chrono::milliseconds{std::stoi(backoff)};
    return run_supervisor(options);
  } catch (const setup_error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}

}  // namespace baton::lineage::testing

#include "ondemand/handover/reception.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "baton/base/error.hpp"
#include "baton/base/log.hpp"
#include "lineage/channel.hpp"
#include "ondemand/handover/message.hpp"
#include "ondemand/process/random_digits.hpp"

namespace baton::ondemand {
namespace {

using boost::asio::posix::descriptor_base;

constexpr int queue = 8;
constexpr std::size_t most_guests = 8;
constexpr std::chrono::seconds patience{5};

[[noreturn]] void fail(const char* step) {
  throw setup_error{fmt::format("no socket for the next generation of the gateway: {}: {}", step,
                                describe_errno(errno))};
}

/// Bound to a name that the kernel chose (unix(7), autobind).
unique_fd listening(std::string& name) {
  unique_fd made{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!made) fail("socket");
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  if (::bind(made.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at.sun_family) != 0)
    fail("bind");
  if (::listen(made.get(), queue) != 0) fail("listen");
  socklen_t size = sizeof at;
  if (::getsockname(made.get(), reinterpret_cast<sockaddr*>(&at), &size) != 0) fail("getsockname");
  constexpr auto start = offsetof(sockaddr_un, sun_path) + 1;
  name.assign(at.sun_path + 1, size > start ? size - start : 0);
  return made;
}

/// Takes as long as for any other text of that length.
bool same(const std::string& one, const std::string& other) noexcept {
  unsigned differs = one.size() == other.size() ? 0 : 1;
  for (std::size_t i = 0; i < std::min(one.size(), other.size()); ++i)
    differs |= static_cast<unsigned char>(one[i] ^ other[i]);
  return differs == 0;
}

}  // namespace

class reception::body : public std::enable_shared_from_this<reception::body> {
 public:
  body(boost::asio::io_context& context, handler on_guest)
      : context_{context}, door_{context}, on_guest_{std::move(on_guest)} {
    where_.token = random_digits();
    where_.pid = ::getpid();
    door_.assign(listening(where_.name).release());
  }

  void await() {
    door_.async_wait(descriptor_base::wait_read, [weak = weak_from_this()](error_code stopped) {
      const auto self = weak.lock();
      if (stopped || !self || !self->door_.is_open()) return;
      self->let_in();
      self->await();
    });
  }

  void close() noexcept {
    error_code ignored;
    door_.close(ignored);
    guests_.clear();
    on_guest_ = nullptr;
  }

  [[nodiscard]] const endpoint& where() const noexcept { return where_; }

 private:
  struct guest {
    explicit guest(boost::asio::io_context& context) : socket{context}, timer{context} {}
    boost::asio::posix::stream_descriptor socket;
    boost::asio::steady_timer timer;
    ucred who{};
  };

  void let_in() {
    unique_fd made{
        ::accept4(door_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (!made) return;
    if (guests_.size() >= most_guests) return;  // closed: it fails, and may come again
    const auto one = std::make_shared<guest>(context_);
    socklen_t size = sizeof one->who;
    if (::getsockopt(made.get(), SOL_SOCKET, SO_PEERCRED, &one->who, &size) != 0) return;
    if (one->who.uid != ::geteuid()) return refuse(*one, "it is another user");
    one->socket.assign(made.release());
    guests_.push_back(one);
    one->socket.async_wait(descriptor_base::wait_read,
                           [weak = weak_from_this(), one](error_code stopped) {
                             const auto self = weak.lock();
                             if (!stopped && self) self->hear(one);
                           });
    one->timer.expires_after(patience);
    one->timer.async_wait([weak = weak_from_this(), one](error_code stopped) {
      const auto self = weak.lock();
      if (!stopped && self) self->refuse(*one, "it does not say who it is");
    });
  }

  void hear(const std::shared_ptr<guest>& from) {
    from->timer.cancel();
    auto came = lineage::receive_packet(from->socket.native_handle());
    if (!came || !*came) return refuse(*from, "it left");
    std::string why;
    const auto what = wire::read((*came)->bytes, why);
    const auto* const hello = what ? std::get_if<wire::hello>(&*what) : nullptr;
    if (hello == nullptr)
      return refuse(*from, why.empty() ? "it does not say hello" : std::move(why));
    if (!same(hello->token, where_.token)) return refuse(*from, "it is not the next generation");
    if (hello->min > wire::max_version || hello->max < wire::min_version)
      return refuse(*from,
                    fmt::format("it speaks the versions {} to {} of the handover, this "
                                "generation {} to {}",
                                hello->min, hello->max, wire::min_version, wire::max_version));
    unique_fd socket{from->socket.release()};
    forget(*from);
    const auto to = on_guest_;
    if (to) to(std::move(socket), from->who.pid);
  }

  void refuse(guest& whom, const std::string& why) {
    log_notice(fmt::format("pid {} is not given the gateway's services: {}", whom.who.pid, why));
    if (whom.socket.is_open())
      static_cast<void>(lineage::send_packet(
          whom.socket.native_handle(), wire::write(wire::refused{.service = {}, .why = why})));
    forget(whom);
  }

  void forget(const guest& whom) {
    std::erase_if(guests_, [&](const auto& each) { return each.get() == &whom; });
  }

  boost::asio::io_context& context_;
  boost::asio::posix::stream_descriptor door_;
  handler on_guest_;
  endpoint where_;
  std::vector<std::shared_ptr<guest>> guests_;
};

reception::reception(boost::asio::io_context& context, handler on_guest)
    : body_{std::make_shared<body>(context, std::move(on_guest))} {
  body_->await();
}

reception::~reception() { close(); }
void reception::close() noexcept { body_->close(); }
const endpoint& reception::where() const noexcept { return body_->where(); }

}  // namespace baton::ondemand

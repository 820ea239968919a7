#include "ondemand/process/notify_socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

namespace baton::ondemand {
namespace {

/// Of one turn of the loop.
constexpr int turn_limit = 64;
constexpr std::size_t max_descriptors = 253;  // SCM_MAX_FD of the kernel

/// The credentials, if they came; every descriptor is closed.
notify_socket::sender take_control(msghdr& message) noexcept {
  notify_socket::sender from{.pid = 0, .user = static_cast<uid_t>(-1)};
  for (auto* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET) continue;
    if (part->cmsg_type == SCM_CREDENTIALS) {
      ucred who{};
      std::memcpy(&who, CMSG_DATA(part), sizeof who);
      from = {.pid = who.pid, .user = who.uid};
    } else if (part->cmsg_type == SCM_RIGHTS) {
      const auto count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (std::size_t i = 0; i < count; ++i) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
        ::close(fd);
      }
    }
  }
  return from;
}

}  // namespace

struct notify_socket::receiver : std::enable_shared_from_this<notify_socket::receiver> {
  explicit receiver(boost::asio::io_context& context) : from{context} {}

  void await() {
    from.async_wait(boost::asio::posix::descriptor_base::wait_read,
                    [weak = weak_from_this()](error_code stopped) {
                      const auto self = weak.lock();
                      if (stopped || self == nullptr || !self->from.is_open()) return;
                      if (self->paused) return;
                      self->take(turn_limit);
                      if (self->from.is_open()) self->await();
                    });
  }

  void take(int limit) {
    const auto alive = shared_from_this();  // the handler may drop us
    for (int taken = 0; taken < limit && from.is_open(); ++taken)
      if (!take_one()) return;
  }

  bool take_one() {
    std::array<char, std::size_t{8} * 1024> text;
    alignas(cmsghdr)
        std::array<char, CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(sizeof(int) * max_descriptors)>
            control;
    iovec part{text.data(), text.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const auto size = ::recvmsg(from.native_handle(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size < 0) return errno == EINTR;
    const auto who = take_control(message);
    const auto handler = on_datagram;
    if ((message.msg_flags & MSG_TRUNC) == 0 && handler)
      (*handler)(who, {text.data(), static_cast<std::size_t>(size)});
    return true;
  }

  boost::asio::posix::stream_descriptor from;
  std::shared_ptr<handler> on_datagram;
  bool paused = false;
};

notify_socket::notify_socket(boost::asio::io_context& context)
    : receiver_{std::make_shared<receiver>(context)} {}

notify_socket::~notify_socket() { close(); }

void notify_socket::close() noexcept {
  receiver_->on_datagram = nullptr;
  error_code ignored;
  receiver_->from.close(ignored);
}

error_code notify_socket::open(const std::string& name, handler on_datagram) {
  sockaddr_un address{};
  if (name.size() > sizeof address.sun_path)
    return {ENAMETOOLONG, boost::system::system_category()};
  unique_fd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!socket) return last_system_error();
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, name.data(), name.size());
  address.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  const int on = 1;
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0 ||
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0)
    return last_system_error();
  receiver_->on_datagram = std::make_shared<handler>(std::move(on_datagram));
  receiver_->from.assign(socket.release());
  return {};
}

void notify_socket::begin() {
  receiver_->paused = false;
  if (receiver_->from.is_open()) receiver_->await();
}

void notify_socket::pause() {
  receiver_->paused = true;
  error_code ignored;
  if (receiver_->from.is_open()) receiver_->from.cancel(ignored);
}

void notify_socket::adopt(unique_fd socket, handler on_datagram) {
  if (!socket) return;
  receiver_->on_datagram = std::make_shared<handler>(std::move(on_datagram));
  receiver_->from.assign(socket.release());
  begin();
}

void notify_socket::drain() {
  const auto kept = receiver_;
  if (kept->from.is_open() && !kept->paused) kept->take(turn_limit);
}

unique_fd notify_socket::release() {
  if (!receiver_->from.is_open()) return {};
  return unique_fd{receiver_->from.release()};
}

unique_fd notify_socket::share() const {
  if (!receiver_->from.is_open()) return {};
  return unique_fd{::fcntl(receiver_->from.native_handle(), F_DUPFD_CLOEXEC, 10)};
}

}  // namespace baton::ondemand

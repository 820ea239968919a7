#include "ondemand/starter/passed_socket.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "baton/base/error.hpp"
#include "baton/net/gate.hpp"
#include "baton/net/listener.hpp"

namespace baton::ondemand {
namespace {

/// A name that nobody else can have bound before us.
std::string abstract_name(const std::string& service) {
  std::uint64_t random = 0;
  if (::getrandom(&random, sizeof random, 0) != sizeof random)
    throw setup_error{
        fmt::format("{}: no name for its socket: getrandom: {}", service, describe_errno(errno))};
  return fmt::format("@baton/{}/{:016x}", service, random);
}

net::listener_options wanted(const socket_passing& how, const std::string& service) {
  return {.address = how.address == "@" ? abstract_name(service) : how.address,
          .name = service,
          .backlog = how.backlog,
          .max_connections = 1};
}

void make_blocking(int fd, const std::string& service) {
  const auto flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) != 0)
    throw setup_error{fmt::format("{}: its socket: fcntl: {}", service, describe_errno(errno))};
}

}  // namespace

passed_socket::passed_socket(const socket_passing& how, const std::string& service) {
  net::gate unused{service, 1};  // the program accepts, not we
  const auto made = net::listener::bind(wanted(how, service), unused);
  fd_.reset(::fcntl(made.fd(), F_DUPFD_CLOEXEC, 3));
  if (!fd_) throw setup_error{fmt::format("{}: its socket: {}", service, describe_errno(errno))};
  address_ = made.local();
  if (address_.kind() == net::address::family::unix_path) file_ = net::inode_of(address_);
  make_blocking(fd_.get(), service);
}

// Nothing is set on it: the program may be in its accept(2) now.
passed_socket::passed_socket(unique_fd bound, const std::string& service) : fd_{std::move(bound)} {
  int listens = 0;
  socklen_t size = sizeof listens;
  const auto found = net::address::local(fd_.get());
  if (::getsockopt(fd_.get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0 ||
      !found)
    throw setup_error{fmt::format(
        "{}: what the earlier generation of the gateway gave as its socket does not listen",
        service)};
  address_ = *found;
  if (address_.kind() == net::address::family::unix_path) file_ = net::inode_of(address_);
}

void passed_socket::turn_away() noexcept {
  // It blocks, as programs want it: so each is asked for only once it is there.
  pollfd asked{.fd = fd_.get(), .events = POLLIN, .revents = 0};
  while (::poll(&asked, 1, 0) > 0 && (asked.revents & POLLIN) != 0) {
    const unique_fd unserved{::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (!unserved) return;
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    static_cast<void>(
        ::setsockopt(unserved.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once));
  }
}

passed_socket::~passed_socket() {
  if (file_) net::remove_if_same(address_, *file_);
}

}  // namespace baton::ondemand

#include "ondemand/starter/passed_socket.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>

#include <cstdint>

#include "baton/base/error.hpp"

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

// The gates are of no use here: the program accepts, not we.
passed_socket::passed_socket(const socket_passing& how, const std::string& service)
    : gate_{service, 1}, listener_{net::listener::bind(wanted(how, service), gate_)} {
  make_blocking(listener_.fd(), service);
}

passed_socket::~passed_socket() { listener_.unlink_path(); }

}  // namespace baton::ondemand

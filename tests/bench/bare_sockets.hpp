#pragma once

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace bench {

// What the bare loops need of the kernel, and nothing more.

inline int check(int result, const char* what) {
  if (result < 0) throw std::system_error{errno, std::generic_category(), what};
  return result;
}

/// A listening socket on the loopback, non-blocking.
inline int listen_on(std::uint16_t port) {
  const int fd = check(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
  const int on = 1;
  check(::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "setsockopt");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  check(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), "bind");
  check(::listen(fd, 4096), "listen");
  return fd;
}

inline void watch(int epoll, int fd, std::uint32_t what, int operation) {
  epoll_event event{};
  event.events = what;
  event.data.fd = fd;
  check(::epoll_ctl(epoll, operation, fd, &event), "epoll_ctl");
}

}  // namespace bench

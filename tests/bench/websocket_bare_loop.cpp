// The limit for WebSocket echoes here: a level-triggered epoll loop that shakes hands, and then for
// each readiness receives once, unmasks what is there in its place, and sends it back at once. It
// takes the client's word for everything. Not a server: the yardstick of websocket.py.
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <cstdint>
#include <exception>
#include <string_view>
#include <vector>

#include "bare_sockets.hpp"
#include "websocket/bare_client.hpp"

namespace {

using bench::bare_client;

class bare_loop {
 public:
  explicit bare_loop(std::uint16_t port) {
    epoll_ = bench::check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    listener_ = bench::listen_on(port);
    watch(listener_, EPOLLIN, EPOLL_CTL_ADD);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 512> events;
    while (true) {
      const int ready = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      if (ready < 0 && errno != EINTR) bench::check(ready, "epoll_wait");
      for (int i = 0; i < ready; ++i) {
        const auto& event = events[static_cast<std::size_t>(i)];
        if (event.data.fd == listener_)
          accept_all();
        else if ((event.events & EPOLLOUT) != 0)
          send(event.data.fd, true);
        else
          serve(event.data.fd);
      }
    }
  }

 private:
  void watch(int fd, std::uint32_t what, int operation) {
    bench::watch(epoll_, fd, what, operation);
  }
  bare_client& of(int fd) { return clients_[static_cast<std::size_t>(fd)]; }

  void accept_all() {
    while (true) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      if (clients_.size() <= static_cast<std::size_t>(fd))
        clients_.resize(static_cast<std::size_t>(fd) + 1);
      of(fd) = bare_client{};
      watch(fd, EPOLLIN, EPOLL_CTL_ADD);
    }
  }

  void serve(int fd) {
    auto& one = of(fd);
    const auto n = ::recv(fd, one.bytes.get() + one.have, bare_client::capacity - one.have, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
      ::close(fd);
      return;
    }
    one.have += static_cast<std::size_t>(n);
    one.work();
    if (one.answer > 0) send(fd, false);
  }

  void send(int fd, bool waiting) {
    auto& one = of(fd);
    const auto n = ::send(fd, one.bytes.get() + one.sent, one.answer - one.sent, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) {
      ::close(fd);
      return;
    }
    one.sent += n < 0 ? 0 : static_cast<std::size_t>(n);
    if (one.sent < one.answer) {
      if (!waiting) watch(fd, EPOLLOUT, EPOLL_CTL_MOD);
      return;
    }
    one.tidy();
    if (one.leaves)
      ::close(fd);
    else if (waiting)
      watch(fd, EPOLLIN, EPOLL_CTL_MOD);
  }

  std::vector<bare_client> clients_;  // by descriptor
  int epoll_ = -1;
  int listener_ = -1;
};

}  // namespace

int main(int argc, char** argv) {
  std::uint16_t port = 9083;
  CLI::App app{"A bare epoll loop that echoes WebSocket frames on 127.0.0.1, for measurements"};
  app.add_option("--port", port)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    bare_loop{port}.run();
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_websocket_bare_loop: {}\n", error.what());
    return 1;
  }
}

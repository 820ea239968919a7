// The limit for a proxy here: a level-triggered epoll loop that copies bytes between two sockets
// and looks at none of them; a connection to the upstream for each of the client's. Not a proxy:
// the yardstick of proxying.py.
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
#include <string>
#include <system_error>
#include <vector>

#include "bare_sockets.hpp"

namespace {

class forwarder {
 public:
  forwarder(std::uint16_t port, std::uint16_t upstream) : upstream_{upstream} {
    epoll_ = bench::check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    listener_ = bench::listen_on(port);
    bench::watch(epoll_, listener_, EPOLLIN, EPOLL_CTL_ADD);
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
        else
          move(event.data.fd, event.events);
      }
    }
  }

 private:
  struct end {
    int other = -1;
    std::string unsent;  // towards this end
  };

  end& at(int fd) {
    if (ends_.size() <= static_cast<std::size_t>(fd))
      ends_.resize(static_cast<std::size_t>(fd) + 64);
    return ends_[static_cast<std::size_t>(fd)];
  }

  void accept_all() {
    while (true) {
      const int client = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (client < 0) return;
      const int server = bench::check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_port = htons(upstream_);
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      bench::check(::connect(server, reinterpret_cast<sockaddr*>(&address), sizeof address),
                   "connect");
      const int on = 1;
      for (const int fd : {client, server}) {
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        bench::watch(epoll_, fd, EPOLLIN, EPOLL_CTL_ADD);
      }
      at(client) = {server, {}};
      at(server) = {client, {}};
    }
  }

  void move(int fd, std::uint32_t events) {
    if (at(fd).other < 0) return;  // closed in this round
    if ((events & EPOLLOUT) != 0) return go_on(fd);
    const int other = at(fd).other;
    if (!at(other).unsent.empty()) return bench::watch(epoll_, fd, 0, EPOLL_CTL_MOD);
    const auto got = ::recv(fd, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return close(fd);
    const auto size = static_cast<std::size_t>(got);
    const auto went = ::send(other, buffer_.data(), size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (went < 0 && errno != EAGAIN) return close(fd);
    const auto sent = went < 0 ? 0 : static_cast<std::size_t>(went);
    if (sent == size) return;
    at(other).unsent.assign(buffer_.data() + sent, size - sent);
    bench::watch(epoll_, other, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
  }

  void go_on(int fd) {
    auto& unsent = at(fd).unsent;
    const auto went = ::send(fd, unsent.data(), unsent.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (went < 0) return errno == EAGAIN ? void() : close(fd);
    unsent.erase(0, static_cast<std::size_t>(went));
    if (!unsent.empty()) return;
    bench::watch(epoll_, fd, EPOLLIN, EPOLL_CTL_MOD);
    bench::watch(epoll_, at(fd).other, EPOLLIN, EPOLL_CTL_MOD);
  }

  void close(int fd) {
    const int other = at(fd).other;
    at(fd) = at(other) = {};
    ::close(fd);
    ::close(other);
  }

  std::uint16_t upstream_;
  std::vector<end> ends_;  // by descriptor
  std::array<char, 64 * 1024> buffer_;
  int epoll_ = -1;
  int listener_ = -1;
};

}  // namespace

int main(int argc, char** argv) {
  std::uint16_t port = 9081;
  std::uint16_t upstream = 9080;
  CLI::App app{"Copies bytes between clients and an upstream, both on 127.0.0.1"};
  app.add_option("--port", port)->capture_default_str();
  app.add_option("--upstream", upstream)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    forwarder{port, upstream}.run();
  } catch (const std::system_error& error) {
    fmt::print(stderr, "bench_forwarder: {}\n", error.what());
    return 1;
  }
}

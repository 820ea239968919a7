// The limit for an HTTP server here: a level-triggered epoll loop that parses nothing and sends
// fixed bytes. One recv is taken for one request, or with --pipeline for as many requests as it
// holds empty lines. Not a server: the yardstick of compare.py.
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "bare_sockets.hpp"

namespace {

struct settings {
  std::uint16_t port = 9080;
  std::size_t body = 16;
  bool close = false;
  bool pipeline = false;
};

class bare_loop {
 public:
  explicit bare_loop(const settings& chosen) : chosen_{chosen} {
    answer_ = fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{}\r\n", chosen.body,
                          chosen.close ? "Connection: close\r\n" : "");
    answer_.append(chosen.body, 'x');
    answer_size_ = answer_.size();
    if (chosen.pipeline)
      for (int i = 1; i < most_answers; ++i) answer_.append(answer_, 0, answer_size_);
    epoll_ = bench::check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    listener_ = bench::listen_on(chosen.port);
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
          go_on(event.data.fd);
        else
          serve(event.data.fd);
      }
    }
  }

 private:
  static constexpr int most_answers = 64;

  void watch(int fd, std::uint32_t what, int operation) {
    bench::watch(epoll_, fd, what, operation);
  }

  void accept_all() {
    while (true) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      if (!chosen_.close) {
        const int on = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      }
      if (unsent_.size() <= static_cast<std::size_t>(fd))
        unsent_.resize(static_cast<std::size_t>(fd) + 64);
      unsent_[static_cast<std::size_t>(fd)] = 0;
      watch(fd, EPOLLIN, EPOLL_CTL_ADD);
    }
  }

  void serve(int fd) {
    const auto n = ::recv(fd, input_.data(), input_.size(), 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
      ::close(fd);
      return;
    }
    std::size_t count = 1;
    if (chosen_.pipeline) count = requests_in({input_.data(), static_cast<std::size_t>(n)});
    send_answers(fd, count * answer_size_, false);
  }

  static std::size_t requests_in(std::string_view input) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = input.find("\r\n\r\n", at)) != std::string_view::npos; at += 4)
      ++count;
    return std::min<std::size_t>(count, most_answers);
  }

  // `left` bytes of the last of all answers in `answer_`; more when the socket takes them.
  void send_answers(int fd, std::size_t left, bool waiting) {
    const std::size_t whole =
        left + (left % answer_size_ == 0 ? 0 : answer_size_ - left % answer_size_);
    while (left > 0) {
      const auto n = ::send(fd, answer_.data() + (whole - left), left, MSG_NOSIGNAL);
      if (n < 0 && errno != EAGAIN) {
        ::close(fd);
        return;
      }
      if (n < 0) {
        unsent_[static_cast<std::size_t>(fd)] = left;
        if (!waiting) watch(fd, EPOLLOUT, EPOLL_CTL_MOD);
        return;
      }
      left -= static_cast<std::size_t>(n);
    }
    if (chosen_.close) {
      ::close(fd);
    } else if (waiting) {
      unsent_[static_cast<std::size_t>(fd)] = 0;
      watch(fd, EPOLLIN, EPOLL_CTL_MOD);
    }
  }

  void go_on(int fd) { send_answers(fd, unsent_[static_cast<std::size_t>(fd)], true); }

  settings chosen_;
  std::string answer_;
  std::size_t answer_size_ = 0;
  std::vector<std::size_t> unsent_;  // by descriptor
  std::array<char, 16 * 1024> input_;
  int epoll_ = -1;
  int listener_ = -1;
};

}  // namespace

int main(int argc, char** argv) {
  settings chosen;
  CLI::App app{"A bare epoll loop that parses nothing and sends fixed bytes on 127.0.0.1"};
  app.add_option("--port", chosen.port)->capture_default_str();
  app.add_option("--body", chosen.body, "bytes of the body")->capture_default_str();
  app.add_flag("--close", chosen.close, "close after each answer");
  app.add_flag("--pipeline", chosen.pipeline, "answer each empty line of what was received");
  CLI11_PARSE(app, argc, argv);
  try {
    bare_loop{chosen}.run();
  } catch (const std::system_error& error) {
    fmt::print(stderr, "bench_bare_loop: {}\n", error.what());
    return 1;
  }
}

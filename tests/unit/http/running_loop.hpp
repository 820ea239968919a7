#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "baton/base/log.hpp"
#include "baton/http/service.hpp"
#include "baton/net/loop.hpp"

namespace baton::http::test {

/// The client's end of a connection, driven by the test itself.
class client {
 public:
  explicit client(unique_fd fd) noexcept : fd_{std::move(fd)} {}

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0) throw std::runtime_error{"the client cannot send: " + describe_errno(errno)};
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  /// As much as the socket takes.
  std::size_t send_some(std::string_view bytes) {
    const auto sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent < 0 ? 0 : static_cast<std::size_t>(sent);
  }
  void half_close() { ::shutdown(fd_.get(), SHUT_WR); }
  void close() { fd_.reset(); }
  /// So that the service's output blocks early.
  void shrink_window() {
    const int small = 4096;
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  }

  /// Takes what is there, without waiting.
  void receive() {
    char bytes[65536];
    for (;;) {
      const auto got = ::recv(fd_.get(), bytes, sizeof bytes, MSG_DONTWAIT);
      if (got > 0) {
        received_.append(bytes, static_cast<std::size_t>(got));
        continue;
      }
      if (got == 0) ended_ = true;
      if (got < 0 && errno != EAGAIN) reset_ = true;
      return;
    }
  }
  /// What was received and not yet taken.
  [[nodiscard]] const std::string& received() const noexcept { return received_; }
  std::string take() { return std::exchange(received_, {}); }
  [[nodiscard]] bool ended() const noexcept { return ended_ && !reset_; }
  [[nodiscard]] bool reset() const noexcept { return reset_; }

 private:
  unique_fd fd_;
  std::string received_;
  bool ended_ = false;
  bool reset_ = false;
};

/// A service on one loop, run step by step by the test.
class running_loop {
 public:
  boost::asio::io_context context{1};
  std::vector<std::string> errors;
  service web;

  static constexpr std::chrono::seconds patience{10};

  explicit running_loop(limits allowed = {})
      : web{allowed}, loop_{std::make_unique<net::loop>(context, 0)} {
    web.attach(*loop_);
    set_error_log([this](std::string_view line) { errors.emplace_back(line); });
  }
  ~running_loop() {
    web.drop(*loop_, {});
    context.poll();
    loop_->close();
    context.poll();
    loop_.reset();
    reset_logs();
  }

  [[nodiscard]] net::loop& loop() noexcept { return *loop_; }

  client connect() {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
      throw std::runtime_error{"socketpair"};
    client made{unique_fd{pair[1]}};
    net::accepted connection;
    connection.fd = unique_fd{pair[0]};
    if (!early_.empty()) made.send(std::exchange(early_, {}));
    web.serve(*loop_, std::move(connection));
    return made;
  }
  /// Connects with `bytes` in the socket before the service sees it.
  client connect_with(std::string_view bytes) {
    early_ = bytes;
    return connect();
  }

  /// Runs the loop until `condition` holds; false if it does not within a generous time.
  template <class Condition>
  bool until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      context.restart();
      context.run_one_for(std::chrono::milliseconds{10});
    }
    return true;
  }
  /// Lets everything that is ready happen.
  void settle() {
    for (int i = 0; i < 20; ++i) {
      context.restart();
      context.poll();
    }
  }

  bool until_received(client& by, std::string_view text) {
    std::size_t from = 0;
    return until([&] {
      by.receive();
      if (by.received().find(text, from) != std::string::npos) return true;
      from = by.received().size() - std::min(by.received().size(), text.size());
      return false;
    });
  }
  bool until_ended(client& by) {
    return until([&] {
      by.receive();
      return by.ended() || by.reset();
    });
  }
  /// Sends `bytes` on a fresh connection; what comes back until the service ends it.
  std::string whole_answer(std::string_view bytes) {
    auto by = connect();
    by.send(bytes);
    if (!until_ended(by)) return "(the connection stays open) " + by.received();
    by.half_close();
    return by.reset() ? "(reset) " + by.received() : by.take();
  }

  static std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all{"/proc/self/fd"};
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }
  [[nodiscard]] std::uint64_t closed() const { return loop_->count().closed.get(); }

 private:
  std::string early_;
  std::unique_ptr<net::loop> loop_;
};

/// How often `text` stands in `in`.
inline std::size_t count_of(std::string_view text, std::string_view in) {
  std::size_t count = 0;
  for (auto at = in.find(text); at != std::string_view::npos; at = in.find(text, at + text.size()))
    ++count;
  return count;
}

/// The body behind the header of the only answer in `text`.
inline std::string body_of(std::string_view text) {
  const auto end = text.find("\r\n\r\n");
  return end == std::string_view::npos ? std::string{} : std::string{text.substr(end + 4)};
}

}  // namespace baton::http::test

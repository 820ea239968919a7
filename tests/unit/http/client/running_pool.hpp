#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "baton/base/unique_fd.hpp"
#include "baton/net/address.hpp"
#include "baton/net/loop.hpp"
#include "http/client/upstream_pool.hpp"

namespace baton::http::client::test {

/// The upstream's end: a listening socket, TCP or unix, that the test itself drives.
class upstream_peer {
 public:
  explicit upstream_peer(std::string_view at = "127.0.0.1:0", int backlog = 64) {
    const auto wanted = net::address::parse(at);
    fd_.reset(::socket(wanted.domain(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::bind(fd_.get(), wanted.data(), wanted.size()), 0);
    EXPECT_EQ(::listen(fd_.get(), backlog), 0);
    address_ = net::address::local(fd_.get()).value();
  }

  [[nodiscard]] const net::address& address() const noexcept { return address_; }
  /// Waits for a connection.
  [[nodiscard]] unique_fd accept() const {
    return unique_fd{::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
  }
  [[nodiscard]] bool somebody_knocks() const {
    pollfd wait{fd_.get(), POLLIN, 0};
    return ::poll(&wait, 1, 0) == 1;
  }
  void close() { fd_.reset(); }

 private:
  unique_fd fd_;
  net::address address_;
};

/// A loop that the test turns until what it waits for is true.
class turning_loop {
 public:
  ~turning_loop() {
    loop.close();
    context.poll();
  }

  template <class Condition>
  [[nodiscard]] bool turn_until(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + patience();
    while (!condition()) {
      if (std::chrono::steady_clock::now() >= end) return false;
      context.restart();
      context.run_one_for(std::chrono::milliseconds{100});
    }
    return true;
  }

  static std::chrono::seconds patience() {
    const char* told = std::getenv("BATON_PATIENCE");
    return std::chrono::seconds{told != nullptr ? std::atoi(told) : 20};
  }

  boost::asio::io_context context{1};
  net::loop loop{context, 0};
};

/// Notes what it is told.
class noting_user final : public upstream_user {
 public:
  void on_connection(upstream_connection& with) override { connection = &with; }
  void on_no_connection(error_code why) override { failed = why; }
  void on_bytes(std::string_view bytes) override {
    received += bytes;
    if (pauses && connection != nullptr) connection->pause();
  }
  void on_sent() override { ++sent; }
  void on_end(error_code why) override {
    ended = why;
    connection = nullptr;
  }

  upstream_connection* connection = nullptr;
  error_code failed;
  error_code ended;
  std::string received;
  int sent = 0;
  bool pauses = false;
};

inline std::string read_some(int fd) {
  char bytes[4096];
  const auto got = ::read(fd, bytes, sizeof bytes);
  return got > 0 ? std::string(bytes, static_cast<std::size_t>(got)) : std::string{};
}

/// Whether the other side has ended; takes nothing of what it said before.
inline bool has_ended(int fd) {
  char byte = 0;
  return ::recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

inline void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto went = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    ASSERT_GT(went, 0);
    bytes.remove_prefix(static_cast<std::size_t>(went));
  }
}

}  // namespace baton::http::client::test

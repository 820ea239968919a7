#pragma once

#include <poll.h>

#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <optional>
#include <string>
#include <string_view>

#include "baton/net/loop.hpp"
#include "baton/net/tls_context.hpp"
#include "net/tls_session.hpp"
#include "net/tls_snapshot.hpp"
#include "support.hpp"
#include "tls_support.hpp"

namespace baton::net::test {

/// The server's side of a pair, and what came through it.
struct server_end {
  server_end(loop& loop, const tls_context& context, int descriptor)
      : on{loop}, fd{descriptor}, tls{tls_session::make(loop, context.current())} {}

  /// Receives once, as a readiness event would; false if nothing came.
  bool read_once() {
    const auto buffer = on.read_buffer();
    const auto count = tls->receive(fd.get(), buffer);
    if (count > 0) got.append(buffer.data(), static_cast<std::size_t>(count));
    if (count == 0) ended = true;
    if (count < 0 && errno != EAGAIN) error = errno;
    return count > 0;
  }
  void read() {
    while (!ended && error == 0 && read_once()) {
    }
  }
  ssize_t write(std::string_view text) {
    const iovec part{const_cast<char*>(text.data()), text.size()};
    return tls->send(fd.get(), &part, 1);
  }
  [[nodiscard]] bool readable() const {
    pollfd asked{.fd = fd.get(), .events = POLLIN, .revents = 0};
    return ::poll(&asked, 1, 0) == 1;
  }

  loop& on;
  unique_fd fd;
  tls_session_ptr tls;
  std::string got;
  bool ended = false;
  int error = 0;
};

/// One client and one session, connected but for the handshake.
class tls_session_test : public no_descriptor_leaks {
 protected:
  tls_session_test() : own{trust.issue({.names = {"a.example"}, .common_name = "server"})} {}

  [[nodiscard]] tls_options options() const {
    return {.certificates = {{.certificate = own.certificate, .key = own.key}}};
  }
  [[nodiscard]] client_options client_of(int version = 0) const {
    return {.ca = trust.pem(), .server_name = "a.example", .version = version};
  }
  void connect(const client_options& as) { connect(as, options()); }
  void connect(const client_options& as, const tls_options& to) {
    context.emplace(to, "web", std::vector<std::string>{"h2", "http/1.1"});
    const auto [left, right] = make_pair();
    client_fd = unique_fd{left};
    client.emplace(as);
    server.emplace(on, *context, right);
  }
  void turn() {
    exchange(*client, client_fd.get());
    server->read();
    exchange(*client, client_fd.get());
  }
  bool shake_hands() {
    for (int i = 0; i < 8 && !client->failed() && server->error == 0; ++i) {
      turn();
      if (client->established() && server->tls->established()) return true;
    }
    return false;
  }

  authority trust;
  issued own;
  boost::asio::io_context io{1};
  loop on{io, 0};
  std::optional<tls_context> context;
  unique_fd client_fd;
  std::optional<tls_client> client;
  std::optional<server_end> server;
};

class every_tls_version : public tls_session_test, public ::testing::WithParamInterface<int> {};

inline std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint32_t state = 1;
  for (auto& each : bytes) {
    state = state * 1664525 + 1013904223;
    each = static_cast<char>(state >> 24);
  }
  return bytes;
}

}  // namespace baton::net::test

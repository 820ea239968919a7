#pragma once

#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <memory>
#include <string>

#include "baton/base/unique_fd.hpp"
#include "baton/net/loop.hpp"
#include "baton/net/tls_context.hpp"
#include "net/tls_session.hpp"
#include "net/tls_snapshot.hpp"
#include "tls_support.hpp"

namespace baton::net::test {

/// One client and one TLS context, on a loop of their own: the handshake, and afterwards.
class meeting {
 public:
  meeting(const tls_context& context, const client_options& as) : client{as} {
    const auto [left, right] = make_pair();
    client_fd_ = unique_fd{left};
    server_fd_ = unique_fd{right};
    session = tls_session::make(on_, context.current());
    for (int i = 0; i < 8 && !over(); ++i) turn();
  }

  /// Both sides say that the handshake is done.
  [[nodiscard]] bool succeeded() const {
    return !client.failed() && client.established() && !broken_ && session->established();
  }
  /// Bytes cross both ways, and the client has what the server sent behind the handshake.
  bool talks() {
    client.write("ping");
    turn();
    const iovec pong{const_cast<char*>("pong"), 4};
    if (std::exchange(got_, {}) != "ping") return false;
    if (session->send(server_fd_.get(), &pong, 1) != 4) return false;
    turn();
    return client.read() == "pong";
  }

  tls_client client;
  tls_session_ptr session;

 private:
  [[nodiscard]] bool over() const {
    return broken_ || client.failed() || (client.established() && session->established());
  }
  void turn() {
    exchange(client, client_fd_.get());
    const auto buffer = on_.read_buffer();
    for (;;) {
      const auto count = session->receive(server_fd_.get(), buffer);
      if (count > 0) got_.append(buffer.data(), static_cast<std::size_t>(count));
      if (count < 0 && errno != EAGAIN) broken_ = true;
      if (count <= 0) break;
    }
    exchange(client, client_fd_.get());
  }

  boost::asio::io_context io_{1};
  loop on_{io_, 0};
  unique_fd client_fd_;
  unique_fd server_fd_;
  std::string got_;
  bool broken_ = false;
};

}  // namespace baton::net::test

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "baton/net/connection.hpp"
#include "running_loop.hpp"
#include "unit/net/tls_session_fixture.hpp"

namespace baton::http::test {
namespace {

/// Over a connection whose handshake is done, to a service that waits for the client's own end for
/// ever.
class TlsEnd : public net::test::tls_session_test {
 protected:
  static http::limits patient() {
    http::limits limits;
    limits.linger_timeout = std::chrono::hours{1};
    return limits;
  }

  /// Whether the client hears the end behind an answer of this size that it reads late.
  bool says_the_end(std::size_t size) {
    running_loop run{patient()};
    run.web.get("/", [size](const request&) { return response::text(std::string(size, 'x')); });
    context.emplace(options(), "web");
    const auto [left, right] = net::test::make_pair();
    client_fd = unique_fd{left};
    client.emplace(client_of());
    net::test::server_end here{run.loop(), *context, right};
    const int small = 4608;
    EXPECT_EQ(::setsockopt(right, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    while (!here.tls->established() && here.error == 0) {
      net::test::exchange(*client, client_fd.get());
      here.read();
    }
    net::test::exchange(*client, client_fd.get());
    net::accepted made;
    made.fd = std::move(here.fd);
    made.tls = std::move(here.tls);
    run.web.serve(run.loop(), std::move(made));
    client->write("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    net::test::send_all(client_fd.get(), client->take_output());
    run.settle();  // as far as it goes while the client reads nothing
    const bool ended = run.until([&] {
      client->give_input(net::test::receive_some(client_fd.get()));
      client->advance();
      static_cast<void>(client->read());
      return client->ended() || client->failed();
    });
    client_fd.reset();
    run.settle();
    return ended && client->ended();
  }
};

// A size after which the socket has room for nothing is among them.
TEST_F(TlsEnd, IsSaidBehindAnAnswerThatFillsTheSocket) {
  for (std::size_t size = 100; size < 16'000; size += 100)
    ASSERT_TRUE(says_the_end(size)) << size << " bytes";
}

}  // namespace
}  // namespace baton::http::test

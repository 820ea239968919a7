#include <gmock/gmock.h>
#include <malloc.h>
#include <sys/socket.h>

#include <cerrno>

#include "tls_session_fixture.hpp"

namespace baton::net {
namespace {

using test::exchange;
using test::pattern;
using test::server_end;
using ::testing::HasSubstr;

class TlsSession : public test::tls_session_test {};
class TlsSessionOfVersion : public test::every_tls_version {};

/// The payload sizes of the records in what was sent.
std::vector<std::size_t> record_sizes(std::string_view wire) {
  std::vector<std::size_t> sizes;
  while (wire.size() >= 5) {
    const auto size = static_cast<std::size_t>(static_cast<unsigned char>(wire[3])) << 8 |
                      static_cast<unsigned char>(wire[4]);
    sizes.push_back(size);
    wire.remove_prefix(std::min(5 + size, wire.size()));
  }
  return sizes;
}

INSTANTIATE_TEST_SUITE_P(Tls, TlsSessionOfVersion,
                         ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION), [](const auto& of) {
                           return of.param == TLS1_2_VERSION ? "Tls12" : "Tls13";
                         });

TEST_P(TlsSessionOfVersion, ShakesHandsAndCarriesBytesBothWays) {
  connect(client_of(GetParam()));
  ASSERT_TRUE(shake_hands()) << client->failure();
  EXPECT_EQ(client->server(), "server");
  client->write("ping");
  turn();
  EXPECT_EQ(server->got, "ping");
  EXPECT_EQ(server->write("pong"), 4);
  EXPECT_FALSE(server->tls->unsent());
  turn();
  EXPECT_EQ(client->read(), "pong");
}

TEST_P(TlsSessionOfVersion, TakesItsInputByteByByte) {
  connect(client_of(GetParam()));
  std::string wire;
  for (int i = 0; i < 6 && !client->established(); ++i) {
    client->advance();
    for (const char byte : client->take_output()) {
      test::send_all(client_fd.get(), std::string(1, byte));
      server->read();
    }
    client->give_input(test::receive_some(client_fd.get()));
    client->advance();
  }
  client->write("one byte at a time");
  for (const char byte : client->take_output()) {
    test::send_all(client_fd.get(), std::string(1, byte));
    server->read();
  }
  EXPECT_TRUE(server->tls->established());
  EXPECT_EQ(server->got, "one byte at a time");
  EXPECT_EQ(server->error, 0);
}

TEST_P(TlsSessionOfVersion, WhatComesWithTheEndOfTheHandshakeIsNotLost) {
  connect(client_of(GetParam()));
  client->advance();
  test::send_all(client_fd.get(), client->take_output());
  server->read();
  client->give_input(test::receive_some(client_fd.get()));
  if (GetParam() == TLS1_2_VERSION) {
    client->advance();
    test::send_all(client_fd.get(), client->take_output());
    server->read();
    client->give_input(test::receive_some(client_fd.get()));
  }
  ASSERT_TRUE(client->advance());
  client->write("first");
  test::send_all(client_fd.get(), client->take_output());
  ASSERT_TRUE(server->read_once());
  EXPECT_TRUE(server->tls->established());
  EXPECT_EQ(server->got, "first");
}

/// A client whose request comes right behind its part of the handshake of TLS 1.3.
class TlsHeldTickets : public test::tls_session_test {
 protected:
  void ask_with_the_handshake() {
    connect(client_of(TLS1_3_VERSION));
    client->advance();
    test::send_all(client_fd.get(), client->take_output());
    server->read();
    client->give_input(test::receive_some(client_fd.get()));
    ASSERT_TRUE(client->advance());
    client->write("first");
    test::send_all(client_fd.get(), client->take_output());
    ASSERT_TRUE(server->read_once());
    EXPECT_EQ(test::receive_some(client_fd.get()), "") << "they wait for the answer";
  }
  [[nodiscard]] bool got_ticket() {
    exchange(*client, client_fd.get());
    static_cast<void>(client->read());
    return !client->failed() && client->ticket() != nullptr;
  }
};

TEST_F(TlsHeldTickets, GoWithTheFirstAnswer) {
  ask_with_the_handshake();
  EXPECT_EQ(server->write("answer"), 6);
  EXPECT_TRUE(got_ticket()) << client->failure();
  EXPECT_EQ(server->write("another"), 7);
  exchange(*client, client_fd.get());
  EXPECT_EQ(client->read(), "another");
}

TEST_F(TlsHeldTickets, GoWhenMoreComesBeforeTheAnswer) {
  ask_with_the_handshake();
  client->write("second");
  test::send_all(client_fd.get(), client->take_output());
  server->read();
  EXPECT_EQ(server->got, "firstsecond");
  EXPECT_TRUE(got_ticket()) << client->failure();
}

TEST_F(TlsHeldTickets, GoWithTheEnd) {
  ask_with_the_handshake();
  EXPECT_TRUE(server->tls->end_output(server->fd.get()));
  EXPECT_TRUE(got_ticket()) << client->failure();
  EXPECT_TRUE(client->ended());
}

TEST_P(TlsSessionOfVersion, NothingThatCouldBeReadWaitsInside) {
  connect(client_of(GetParam()));
  ASSERT_TRUE(shake_hands());
  const auto sent = pattern(700'000);
  client->write(sent);
  auto wire = client->take_output();
  // In pieces that end anywhere in a record.
  std::size_t at = 0;
  std::size_t piece = 1;
  while (at < wire.size()) {
    piece = piece * 7 % 60'013 + 1;
    test::send_all(client_fd.get(), wire.substr(at, piece));
    at += piece;
    while (server->readable()) server->read_once();
  }
  EXPECT_EQ(server->got, sent) << server->got.size();
  EXPECT_EQ(server->error, 0);
}

TEST_P(TlsSessionOfVersion, MovesMuchBothWaysThroughATinySocket) {
  connect(client_of(GetParam()));
  ASSERT_TRUE(shake_hands());
  const int tiny = 4096;
  for (const int fd : {client_fd.get(), server->fd.get()})
    ASSERT_EQ(::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &tiny, sizeof tiny), 0);
  const auto up = pattern(3'000'000);
  const auto down = pattern(4'000'000);
  client->write(up);
  auto wire = client->take_output();
  std::size_t from_client = 0;
  std::size_t taken = 0;
  std::string got;
  bool waited = false;
  for (int i = 0; i < 100'000 && (got.size() < down.size() || server->got.size() < up.size());
       ++i) {
    const auto sent = ::send(client_fd.get(), wire.data() + from_client, wire.size() - from_client,
                             MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) from_client += static_cast<std::size_t>(sent);
    server->read();
    if (taken < down.size() || server->tls->unsent()) {
      const auto count = server->write(std::string_view{down}.substr(taken));
      if (count < 0) {
        ASSERT_EQ(errno, EAGAIN);
        EXPECT_TRUE(server->tls->unsent());
      } else {
        EXPECT_LE(static_cast<std::size_t>(count), tls_session::largest_send);
        taken += static_cast<std::size_t>(count);
      }
    }
    waited = waited || server->tls->unsent();
    client->give_input(test::receive_some(client_fd.get()));
    client->advance();
    got += client->read();
  }
  EXPECT_TRUE(waited);
  EXPECT_TRUE(got == down) << got.size();
  EXPECT_TRUE(server->got == up) << server->got.size();
}

TEST_P(TlsSessionOfVersion, TakesNothingMoreWhileRecordsWait) {
  connect(client_of(GetParam()));
  ASSERT_TRUE(shake_hands());
  const auto much = pattern(2'000'000);
  std::size_t taken = 0;
  while (!server->tls->unsent()) {
    const auto count = server->write(std::string_view{much}.substr(taken));
    ASSERT_GT(count, 0);
    taken += static_cast<std::size_t>(count);
  }
  EXPECT_EQ(server->write("more"), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_EQ(server->tls->send(server->fd.get(), nullptr, 0), 0)
      << "tries again, and it is no error";
  EXPECT_TRUE(server->tls->unsent());
  while (server->tls->unsent()) {
    client->give_input(test::receive_some(client_fd.get()));
    ASSERT_EQ(server->tls->send(server->fd.get(), nullptr, 0), 0);
  }
  EXPECT_EQ(server->write("more"), 4);
  turn();
  EXPECT_EQ(client->read(), much.substr(0, taken) + "more");
}

TEST_P(TlsSessionOfVersion, PartsOfAMessageShareRecords) {
  connect(client_of(GetParam()));
  ASSERT_TRUE(shake_hands());
  turn();
  std::string head(200, 'h');
  const auto body_of = [](std::size_t size) { return std::string(size, 'b'); };
  const auto records = [&](std::string body) {
    const iovec parts[] = {{head.data(), head.size()}, {nullptr, 0}, {body.data(), body.size()}};
    EXPECT_EQ(server->tls->send(server->fd.get(), parts, 3),
              static_cast<ssize_t>(head.size() + body.size()));
    const auto wire = test::receive_some(client_fd.get());
    client->give_input(wire);
    client->advance();
    EXPECT_TRUE(client->read() == head + body);
    return record_sizes(wire).size();
  };
  EXPECT_EQ(records(body_of(100)), 1U);
  EXPECT_EQ(records(body_of(16'384 - 200)), 1U);
  EXPECT_EQ(records(body_of(16'384)), 2U);
  EXPECT_EQ(records(body_of(20'000)), 2U);
  EXPECT_EQ(records(body_of(32'700)), 3U);
  EXPECT_EQ(records(body_of(65'536)), 5U);
}

TEST_P(TlsSessionOfVersion, ErrorsOfOthersOnThisThreadDoNotMatter) {
  connect(client_of(GetParam()));
  ASSERT_TRUE(shake_hands());
  for (int i = 0; i < 3; ++i) {
    ERR_raise(ERR_LIB_USER, ERR_R_MALLOC_FAILURE);
    client->write("x");
    ERR_raise(ERR_LIB_USER, ERR_R_MALLOC_FAILURE);
    test::send_all(client_fd.get(), client->take_output());
    ERR_raise(ERR_LIB_USER, ERR_R_MALLOC_FAILURE);
    server->read();
    ERR_raise(ERR_LIB_USER, ERR_R_MALLOC_FAILURE);
    EXPECT_EQ(server->write("y"), 1);
  }
  EXPECT_EQ(server->got, "xxx");
  EXPECT_EQ(server->error, 0);
  turn();
  EXPECT_EQ(client->read(), "yyy");
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST_F(TlsSession, AnswersAKeyUpdate) {
  connect(client_of(TLS1_3_VERSION));
  ASSERT_TRUE(shake_hands());
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(SSL_key_update(client->ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
    client->write("new key");
    turn();
    EXPECT_EQ(server->write("new key"), 7);
    turn();
  }
  EXPECT_EQ(server->got, "new keynew keynew key");
  EXPECT_EQ(client->read(), "new keynew keynew key");
  EXPECT_EQ(server->error, 0);
}

TEST_F(TlsSession, DoesNotRenegotiate) {
  connect(client_of(TLS1_2_VERSION));
  ASSERT_TRUE(shake_hands());
  SSL_renegotiate(client->ssl());
  SSL_do_handshake(client->ssl());
  test::send_all(client_fd.get(), client->take_output());
  server->read();
  EXPECT_EQ(server->error, 0);
  EXPECT_EQ(server->write("still the old keys"), 18);
  client->give_input(test::receive_some(client_fd.get()));
  client->advance();
  // OpenSSL's client takes the refusal (a warning) for the end.
  EXPECT_THAT(client->failure(), HasSubstr("no renegotiation"));
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_P(TlsSessionOfVersion, AnIdleOneHoldsNoBuffer) {
  context.emplace(options(), "web");
  constexpr std::size_t count = 200;
  const auto in_use = [] {
    ::malloc_trim(0);
    return ::mallinfo2().uordblks;
  };
  std::vector<std::unique_ptr<server_end>> idle;
  idle.reserve(count);
  std::size_t before = 0;
  for (std::size_t i = 0; i <= count; ++i) {
    // The first one pays for what all share.
    if (i == 1) before = in_use();
    const auto [left, right] = test::make_pair();
    client_fd = unique_fd{left};
    client.emplace(client_of(GetParam()));
    server.emplace(on, *context, right);
    ASSERT_TRUE(shake_hands());
    client->write(std::string(40'000, 'x'));
    turn();
    ASSERT_EQ(server->write(std::string(40'000, 'y')), 40'000);
    std::string{}.swap(server->got);
    idle.push_back(std::make_unique<server_end>(std::move(*server)));
    client.reset();
  }
  const auto each = (in_use() - before) / count;
  RecordProperty("bytes", static_cast<int>(each));
  EXPECT_LT(each, 15U * 1024);
}
#endif

}  // namespace
}  // namespace baton::net

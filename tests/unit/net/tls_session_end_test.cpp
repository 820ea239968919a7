#include <gmock/gmock.h>
#include <sys/socket.h>

#include <cerrno>

#include "tls_session_fixture.hpp"

namespace baton::net {
namespace {

using test::exchange;
using test::pattern;
using ::testing::HasSubstr;

class TlsSessionEnd : public test::every_tls_version {};
class TlsSessionOutput : public test::tls_session_test {};

INSTANTIATE_TEST_SUITE_P(Tls, TlsSessionEnd, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& of) {
                           return of.param == TLS1_2_VERSION ? "Tls12" : "Tls13";
                         });

TEST_P(TlsSessionEnd, AnEndWithoutCloseNotifyIsNoEnd) {
  connect(client_of(GetParam()));
  ASSERT_TRUE(shake_hands());
  client->write("half a mess");
  test::send_all(client_fd.get(), client->take_output());
  client_fd.reset();
  server->read();
  EXPECT_EQ(server->got, "half a mess");
  EXPECT_FALSE(server->ended);
  EXPECT_EQ(server->error, ECONNRESET);
}

TEST_P(TlsSessionEnd, ACloseNotifyIsAnEndThoughTheSocketStaysOpen) {
  connect(client_of(GetParam()));
  ASSERT_TRUE(shake_hands());
  client->write("all");
  client->end();
  test::send_all(client_fd.get(), client->take_output());
  ASSERT_TRUE(server->read_once());
  EXPECT_EQ(server->got, "all");
  ASSERT_TRUE(server->readable()) << "the end must be announced by the descriptor";
  EXPECT_FALSE(server->read_once());
  EXPECT_TRUE(server->ended);
  EXPECT_EQ(server->write("answer"), 6) << "our side is still open";
  EXPECT_TRUE(server->tls->end_output(server->fd.get()));
  bool end = false;
  client->give_input(test::receive_some(client_fd.get(), &end));
  EXPECT_TRUE(end);
}

TEST_P(TlsSessionEnd, ABrokenRecordEndsTheConnectionBehindWhatWasGood) {
  connect(client_of(GetParam()));
  ASSERT_TRUE(shake_hands());
  client->write("good");
  auto wire = client->take_output();
  client->write("bad");
  auto broken = client->take_output();
  broken.back() = static_cast<char>(broken.back() ^ 1);
  test::send_all(client_fd.get(), wire + broken);
  ASSERT_TRUE(server->read_once());
  EXPECT_EQ(server->got, "good");
  ASSERT_TRUE(server->readable());
  EXPECT_FALSE(server->read_once());
  EXPECT_EQ(server->error, ECONNRESET);
  EXPECT_EQ(server->write("x"), -1);
  EXPECT_EQ(errno, EPIPE);
  exchange(*client, client_fd.get());
  EXPECT_THAT(client->failure(), HasSubstr("bad record mac")) << "the client was told by an alert";
}

TEST_P(TlsSessionEnd, AClientThatLeftIsAnErrorAndNoSignal) {
  connect(client_of(GetParam()));
  ASSERT_TRUE(shake_hands());
  client_fd.reset();
  EXPECT_EQ(server->write("to nobody"), -1);
  EXPECT_EQ(errno, EPIPE);
  server->read();
  EXPECT_EQ(server->error, ECONNRESET);
}

TEST_P(TlsSessionEnd, ItsInputAndOutputFailOnceItIsBroken) {
  connect(client_of(GetParam()));
  ASSERT_TRUE(shake_hands());
  test::send_all(client_fd.get(), std::string("\x17\x03\x03\xFF\xFF", 5));
  EXPECT_FALSE(server->read_once());
  EXPECT_EQ(server->error, ECONNRESET);
  EXPECT_FALSE(server->read_once());
  EXPECT_EQ(server->write("x"), -1);
  EXPECT_EQ(errno, EPIPE);
  EXPECT_TRUE(server->tls->end_output(server->fd.get()))
      << "the descriptor's output ends all the same";
  EXPECT_THAT(server->tls->failure(), HasSubstr("packet length too long"));
}

TEST_P(TlsSessionEnd, TheEndOfOneWhoNeverBeganIsNoEndEither) {
  connect(client_of(GetParam()));
  client_fd.reset();
  EXPECT_FALSE(server->read_once());
  EXPECT_EQ(server->error, ECONNRESET);
  EXPECT_EQ(server->tls->failure(), "the client left");
}

TEST_P(TlsSessionEnd, WhatWaitsIsLostWithThePeer) {
  connect(client_of(GetParam()));
  ASSERT_TRUE(shake_hands());
  const auto much = pattern(200'000);
  while (!server->tls->unsent()) ASSERT_GT(server->write(much), 0);
  client_fd.reset();
  EXPECT_EQ(server->tls->send(server->fd.get(), nullptr, 0), -1);
  EXPECT_EQ(errno, EPIPE);
  EXPECT_EQ(server->write("x"), -1);
  EXPECT_EQ(errno, EPIPE);
}

/// A peer that makes us answer ever more (KeyUpdate, RFC 8446 section 4.6.3) and reads none of it.
TEST_F(TlsSessionOutput, WhatWaitsIsBounded) {
  connect(client_of(TLS1_3_VERSION));
  ASSERT_TRUE(shake_hands());
  const auto much = pattern(200'000);
  while (!server->tls->unsent()) ASSERT_GT(server->write(much), 0);
  constexpr std::size_t bound = std::size_t{256} * 1024;
  constexpr std::size_t smallest_answer = 5 + 5 + 1 + 16;  // header, message, type, tag
  std::size_t asked = 0;
  while (server->error == 0 && asked <= bound / smallest_answer) {
    ASSERT_EQ(SSL_key_update(client->ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
    ASSERT_EQ(SSL_do_handshake(client->ssl()), 1);
    test::send_all(client_fd.get(), client->take_output());
    server->read_once();
    ++asked;
  }
  EXPECT_EQ(server->error, ECONNRESET);
  EXPECT_GT(asked, 1000U) << "a few are answered";
  EXPECT_EQ(server->write("x"), -1);
  EXPECT_EQ(errno, EPIPE);
}

/// The same by a peer that reads, but never all: what was sent makes room for what is added.
TEST_F(TlsSessionOutput, WhatWaitsStaysInOrderWhileItIsSentAndAdded) {
  connect(client_of(TLS1_3_VERSION));
  ASSERT_TRUE(shake_hands());
  const auto much = pattern(200'000);
  std::string sent;
  std::string got;
  for (int round = 0; round < 100; ++round) {
    while (!server->tls->unsent()) {
      const auto taken = server->write(much);
      ASSERT_GT(taken, 0);
      sent.append(much, 0, static_cast<std::size_t>(taken));
    }
    ASSERT_EQ(SSL_key_update(client->ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
    ASSERT_EQ(SSL_do_handshake(client->ssl()), 1);
    test::send_all(client_fd.get(), client->take_output());
    server->read_once();
    ASSERT_EQ(server->error, 0);
    std::string piece(40'000, '\0');
    const auto read = ::recv(client_fd.get(), piece.data(), piece.size(), 0);
    ASSERT_GT(read, 0);
    client->give_input(std::string_view{piece}.substr(0, static_cast<std::size_t>(read)));
    client->advance();
    got += client->read();
    ASSERT_GE(server->tls->send(server->fd.get(), nullptr, 0), 0);
  }
  while (got.size() < sent.size() && !client->failed()) {
    turn();
    ASSERT_GE(server->tls->send(server->fd.get(), nullptr, 0), 0);
    got += client->read();
  }
  EXPECT_TRUE(got == sent) << client->failure();
}

TEST_P(TlsSessionEnd, ItsOutputEndsBehindWhatWaits) {
  connect(client_of(GetParam()));
  ASSERT_TRUE(shake_hands());
  const auto much = pattern(2'000'000);
  std::size_t taken = 0;
  while (!server->tls->unsent())
    taken += static_cast<std::size_t>(server->write(std::string_view{much}.substr(taken)));
  EXPECT_TRUE(server->tls->end_output(server->fd.get()));
  bool end = false;
  while (!end) {
    client->give_input(test::receive_some(client_fd.get(), &end));
    ASSERT_GE(server->tls->send(server->fd.get(), nullptr, 0), 0);
  }
  client->advance();
  EXPECT_TRUE(client->read() == much.substr(0, taken));
  EXPECT_TRUE(client->ended()) << "close_notify before the end: " << client->failure();
}

}  // namespace
}  // namespace baton::net

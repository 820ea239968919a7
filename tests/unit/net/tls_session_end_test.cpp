#include <gmock/gmock.h>

#include <cerrno>

#include "tls_session_fixture.hpp"

namespace baton::net {
namespace {

using test::exchange;
using test::pattern;
using ::testing::HasSubstr;

class TlsSessionEnd : public test::every_tls_version {};

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

#include "baton/net/connection.hpp"

#include <gmock/gmock.h>

#include <cerrno>

#include "tls_session_fixture.hpp"

namespace baton::net {
namespace {

using test::exchange;

class Connection : public test::tls_session_test {};
class TlsInfo : public test::every_tls_version {};

INSTANTIATE_TEST_SUITE_P(Tls, TlsInfo, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& of) {
                           return of.param == TLS1_2_VERSION ? "Tls12" : "Tls13";
                         });

TEST_P(TlsInfo, TellsWhatWasAgreed) {
  auto as = client_of(GetParam());
  as.alpn = {"http/1.1"};
  connect(as);
  ASSERT_TRUE(shake_hands());
  const auto& info = server->tls->info();
  EXPECT_EQ(info.version, GetParam() == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3");
  EXPECT_EQ(info.cipher, GetParam() == TLS1_2_VERSION ? "ECDHE-ECDSA-AES128-GCM-SHA256"
                                                      : "TLS_AES_128_GCM_SHA256");
  EXPECT_EQ(info.protocol, "http/1.1");
  EXPECT_EQ(info.server_name, "a.example");
  EXPECT_EQ(info.client_subject, "");
  EXPECT_EQ(info.client_fingerprint, "");
  EXPECT_FALSE(info.resumed);
  EXPECT_EQ(&server->tls->info(), &info) << "made once";
}

TEST_P(TlsInfo, TellsWhoTheClientIs) {
  const auto certificate = trust.issue({.common_name = "carol"});
  auto as = client_of(GetParam());
  as.certificate = certificate;
  auto to = options();
  to.mode = tls_mode::mutual;
  to.ca = trust.pem();
  connect(as, to);
  ASSERT_TRUE(shake_hands()) << server->tls->failure();
  const auto& info = server->tls->info();
  EXPECT_EQ(info.client_subject, "CN=carol");
  EXPECT_THAT(std::string{info.client_fingerprint}, ::testing::MatchesRegex("[0-9a-f]{64}"));
}

TEST_F(Connection, AConnectionGivesWhatCameEarlyAndThenTheRest) {
  connect(client_of());
  ASSERT_TRUE(shake_hands());
  accepted made{.slot = {},
                .fd = std::move(server->fd),
                .peer = {},
                .tls = std::move(server->tls),
                .early = std::make_unique<std::string>("early")};
  connection through{std::move(made)};
  EXPECT_NE(through.security(), nullptr);
  EXPECT_TRUE(through.input_waits());
  const auto buffer = on.read_buffer();
  ASSERT_EQ(through.receive(buffer), 5);
  EXPECT_EQ((std::string_view{buffer.data(), 5}), "early");
  EXPECT_FALSE(through.input_waits());
  EXPECT_EQ(through.receive(buffer), -1);
  EXPECT_EQ(errno, EAGAIN);
  client->write("late");
  exchange(*client, client_fd.get());
  EXPECT_TRUE(through.input_waits());
  ASSERT_EQ(through.receive(buffer), 4);
  iovec parts[] = {{const_cast<char*>("an"), 2}, {const_cast<char*>("swer"), 4}};
  EXPECT_EQ(through.send(parts, 2), 6);
  EXPECT_FALSE(through.unsent());
  EXPECT_TRUE(through.end_output());
  exchange(*client, client_fd.get());
  EXPECT_EQ(client->read(), "answer");
  EXPECT_TRUE(client->ended());
}

TEST_F(Connection, WhatWasReadEmptyIsDrainedBehindWhatCameEarly) {
  const auto [left, right] = test::make_pair();
  client_fd = unique_fd{left};
  accepted made{.slot = {},
                .fd = unique_fd{right},
                .peer = {},
                .early = std::make_unique<std::string>("early"),
                .drained = true};
  connection through{std::move(made)};
  EXPECT_FALSE(through.drained());
  ASSERT_EQ(through.receive(on.read_buffer()), 5);
  EXPECT_TRUE(through.drained());
  EXPECT_FALSE(through.secure());
  EXPECT_EQ(through.protocol(), "");
}

TEST_F(Connection, AnEndIsAnsweredWithTheClose) {
  auto as = client_of();
  as.alpn = {"http/1.1"};
  connect(as);
  ASSERT_TRUE(shake_hands());
  {
    connection through{accepted{
        .slot = {}, .fd = std::move(server->fd), .peer = {}, .tls = std::move(server->tls)}};
    EXPECT_TRUE(through.secure());
    EXPECT_EQ(through.protocol(), "http/1.1");
    client->end();
    exchange(*client, client_fd.get());
    ASSERT_EQ(through.receive(on.read_buffer()), 0);
    through.answer_end();
  }
  exchange(*client, client_fd.get());
  EXPECT_TRUE(client->ended()) << "it heard close_notify before the end";
}

TEST_F(Connection, AConnectionInTheClearIsTheSameToItsUser) {
  const auto [left, right] = test::make_pair();
  client_fd = unique_fd{left};
  accepted made{.slot = {},
                .fd = unique_fd{right},
                .peer = {},
                .early = std::make_unique<std::string>("early")};
  connection through{std::move(made)};
  EXPECT_EQ(through.security(), nullptr);
  const auto buffer = on.read_buffer();
  ASSERT_EQ(through.receive(buffer), 5);
  EXPECT_EQ(through.receive(buffer), -1);
  EXPECT_EQ(errno, EAGAIN);
  test::send_all(client_fd.get(), "late");
  ASSERT_EQ(through.receive(buffer), 4);
  iovec parts[] = {{const_cast<char*>("an"), 2}, {const_cast<char*>("swer"), 4}};
  EXPECT_EQ(through.send(parts, 2), 6);
  EXPECT_EQ(through.send(parts, 1), 2);
  EXPECT_EQ(through.send(parts, 0), 0);
  EXPECT_FALSE(through.unsent());
  EXPECT_TRUE(through.end_output());
  bool end = false;
  EXPECT_EQ(test::receive_some(client_fd.get(), &end), "answeran");
  EXPECT_TRUE(end);
  client_fd.reset();
  EXPECT_EQ(through.receive(buffer), 0);
  EXPECT_EQ(through.send(parts, 1), -1);
  EXPECT_EQ(errno, EPIPE);
}

}  // namespace
}  // namespace baton::net

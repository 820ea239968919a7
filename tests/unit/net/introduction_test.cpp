#include <gmock/gmock.h>
#include <sys/socket.h>

#include "introduction_fixture.hpp"

namespace baton::net {
namespace {

using namespace std::string_literals;
using test::exchange;
using test::log_lines;
using test::run_until;
using test::tls_client;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class Introduction : public test::introduction_test {};

TEST_F(Introduction, AListenerThatAsksNothingNeedsNone) {
  EXPECT_FALSE(introduction_terms::of({.address = test::any_port}, nullptr).any());
  const tls_context made{with_tls(), "web"};
  EXPECT_TRUE(introduction_terms::of({.address = test::any_port}, &made).any());
  EXPECT_TRUE(
      introduction_terms::of({.address = test::any_port, .proxy_from = {"unix"}}, nullptr).any());
  EXPECT_THAT(test::setup_error_of([] {
                static_cast<void>(introduction_terms::of(
                    {.address = test::any_port, .proxy_from = {"everybody"}}, nullptr));
              }),
              HasSubstr("\"everybody\""));
}

TEST_F(Introduction, PassesATlsConnectionOnAfterItsHandshake) {
  open({.address = test::any_port, .tls = with_tls()});
  const auto fd = connect();
  tls_client client{{.ca = trust.pem()}};
  ASSERT_TRUE(shakes_hands(client, fd.get())) << client.failure();
  EXPECT_EQ(arriving->size(), 0U);
  EXPECT_EQ(on.timers().armed(), 0U);
  EXPECT_EQ(on.count().tls_handshakes.get(), 1U);
  EXPECT_EQ(on.count().tls_resumed.get(), 0U);
  ASSERT_TRUE(passed[0].tls);
  EXPECT_EQ(passed[0].peer, *address::local(fd.get()));
  EXPECT_EQ(passed[0].from, &*door);
  EXPECT_TRUE(passed[0].slot);
  EXPECT_TRUE(passed[0].drained);
  EXPECT_EQ(on.poller().watched(), 1U) << "the listener; nobody took the connection over";
  client.write("hello");
  exchange(client, fd.get());
  EXPECT_EQ(receive(std::move(passed[0])), "hello");
}

TEST_F(Introduction, WhatComesWithTheHandshakesEndIsPassedOn) {
  open({.address = test::any_port, .tls = with_tls()});
  const auto fd = connect();
  tls_client client{{.ca = trust.pem(), .version = TLS1_3_VERSION}};
  ASSERT_TRUE(run_until(io, [&] {
    // Its Finished stays with the client until it has something to say as well.
    if (!client.advance()) test::send_all(fd.get(), client.take_output());
    client.give_input(test::receive_some(fd.get()));
    return client.advance();
  }));
  client.write("GET / HTTP/1.1\r\n");
  test::send_all(fd.get(), client.take_output());
  ASSERT_TRUE(run_until(io, [&] { return passed.size() == 1; }));
  ASSERT_TRUE(passed[0].early);
  EXPECT_EQ(receive(std::move(passed[0])), "GET / HTTP/1.1\r\n");
}

TEST_F(Introduction, WhoEndsRightBehindTheHandshakeIsTheServices) {
  open({.address = test::any_port, .tls = with_tls()});
  const auto fd = connect();
  tls_client client{{.ca = trust.pem(), .version = TLS1_3_VERSION}};
  ASSERT_TRUE(run_until(io, [&] {
    if (!client.advance()) test::send_all(fd.get(), client.take_output());
    client.give_input(test::receive_some(fd.get()));
    return client.advance();
  }));
  client.end();
  test::send_all(fd.get(), client.take_output());
  ASSERT_TRUE(run_until(io, [&] { return passed.size() == 1; }));
  EXPECT_EQ(on.count().tls_handshakes.get(), 1U);
  EXPECT_EQ(on.count().tls_failures.get(), 0U);
  connection through{std::move(passed[0])};
  EXPECT_EQ(through.receive(on.read_buffer()), 0);
}

TEST_F(Introduction, CountsResumedSessions) {
  open({.address = test::any_port, .tls = with_tls()});
  const auto fd = connect();
  tls_client client{{.ca = trust.pem()}};
  ASSERT_TRUE(shakes_hands(client, fd.get()));
  exchange(client, fd.get());
  const auto ticket = client.ticket();
  ASSERT_TRUE(ticket);
  tls_client again{{.ca = trust.pem(), .resume = ticket.get()}};
  const auto second = connect();
  ASSERT_TRUE(shakes_hands(again, second.get(), 2));
  EXPECT_EQ(on.count().tls_handshakes.get(), 2U);
  EXPECT_EQ(on.count().tls_resumed.get(), 1U);
}

TEST_F(Introduction, TakesEverythingByteByByte) {
  open({.address = test::any_port, .tls = with_tls(), .proxy_from = {"127.0.0.0/8"}});
  const auto fd = connect();
  tls_client client{{.ca = trust.pem()}};
  std::string wire = "PROXY TCP4 192.0.2.1 10.0.0.1 12345 443\r\n";
  ASSERT_TRUE(run_until(io, [&] {
    client.advance();
    wire += client.take_output();
    if (!wire.empty()) {
      test::send_all(fd.get(), wire.substr(0, 1));
      wire.erase(0, 1);
    }
    client.give_input(test::receive_some(fd.get()));
    return passed.size() == 1;
  }));
  EXPECT_EQ(passed[0].peer.to_string(), "192.0.2.1:12345");
  EXPECT_TRUE(passed[0].tls);
}

TEST_F(Introduction, AProxysHeaderAndTheHandshakeMayComeAtOnce) {
  open({.address = test::any_port, .tls = with_tls(), .proxy_from = {"127.0.0.1"}});
  const auto fd = connect();
  tls_client client{{.ca = trust.pem()}};
  client.advance();
  test::send_all(fd.get(), "PROXY TCP6 2001:db8::1 ::1 5 443\r\n" + client.take_output());
  ASSERT_TRUE(shakes_hands(client, fd.get()));
  EXPECT_EQ(passed[0].peer.to_string(), "[2001:db8::1]:5");
}

TEST_F(Introduction, AProxySpeaksForItsClientInTheClearToo) {
  open({.address = test::any_port, .proxy_from = {"127.0.0.1"}});
  const auto binary = connect();
  test::send_all(binary.get(),
                 "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0C\xC0\0\x02\x01\x0A\0\0\x01\x30\x39\0\x50GET"s);
  ASSERT_TRUE(run_until(io, [&] { return passed.size() == 1; }));
  EXPECT_EQ(passed[0].peer.to_string(), "192.0.2.1:12345");
  EXPECT_EQ(receive(std::move(passed[0])), "GET");
  const auto check = connect();
  test::send_all(check.get(), "PROXY UNKNOWN\r\n");
  ASSERT_TRUE(run_until(io, [&] { return passed.size() == 2; }));
  EXPECT_EQ(passed[1].peer, *address::local(check.get()));
  EXPECT_FALSE(passed[1].early);
}

TEST_F(Introduction, AProxyMustSendItsHeader) {
  const log_lines infos{log_level::info};
  open({.address = test::any_port, .proxy_from = {"127.0.0.1"}});
  const auto fd = connect();
  test::send_all(fd.get(), "GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(read_to_end(fd.get()), "");
  EXPECT_THAT(passed, IsEmpty());
  EXPECT_THAT(infos.joined(), AllOf(HasSubstr("127.0.0.1:"), HasSubstr("web"),
                                    HasSubstr("PROXY header"), HasSubstr("missing")));
  ASSERT_TRUE(run_until(io, [&] { return process.in_use() == 0; }));
}

TEST_F(Introduction, WhatAStrangerSendsIsNeverTakenForAHeader) {
  open({.address = test::any_port, .proxy_from = {"10.0.0.0/8"}});
  const auto fd = connect();
  const auto lie = "PROXY TCP4 192.0.2.1 10.0.0.1 12345 80\r\n"s;
  test::send_all(fd.get(), lie);
  ASSERT_TRUE(run_until(io, [&] { return passed.size() == 1; }));
  EXPECT_EQ(passed[0].peer, *address::local(fd.get()));
  EXPECT_EQ(receive(std::move(passed[0])), lie);
}

TEST_F(Introduction, OneListenerServesTlsAndClear) {
  open({.address = test::any_port, .tls = with_tls(), .policy = tls_policy::tls_or_clear});
  const auto clear = connect();
  test::send_all(clear.get(), "GET / HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(run_until(io, [&] { return passed.size() == 1; }));
  EXPECT_FALSE(passed[0].tls);
  const auto fd = connect();
  tls_client client{{.ca = trust.pem()}};
  ASSERT_TRUE(shakes_hands(client, fd.get(), 2));
  EXPECT_TRUE(passed[1].tls);
  EXPECT_EQ(receive(std::move(passed[0])), "GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(on.count().tls_failures.get(), 0U);
}

TEST_F(Introduction, WhoSpeaksHttpToATlsListenerIsToldSo) {
  const log_lines infos{log_level::info};
  open({.address = test::any_port, .tls = with_tls()});
  const auto fd = connect();
  test::send_all(fd.get(), "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
  const auto answer = read_to_end(fd.get());
  EXPECT_THAT(answer, AllOf(StartsWith("HTTP/1.1 400 Bad Request\r\n"), HasSubstr("https://")));
  const auto body = answer.substr(answer.find("\r\n\r\n") + 4);
  EXPECT_THAT(answer, HasSubstr("Content-Length: " + std::to_string(body.size()) + "\r\n"));
  EXPECT_EQ(on.count().tls_failures.get(), 1U);
  EXPECT_THAT(infos.joined(), HasSubstr("TLS only"));
  ::shutdown(fd.get(), SHUT_WR);
  ASSERT_TRUE(run_until(io, [&] { return process.in_use() == 0; }));
  EXPECT_EQ(on.count().closed.get(), 1U);
}

TEST_F(Introduction, GarbageIsClosedWithoutAWord) {
  open({.address = test::any_port, .tls = with_tls()});
  const auto fd = connect();
  test::send_all(fd.get(), "\x01\x02\x03");
  EXPECT_EQ(read_to_end(fd.get()), "");
  ::shutdown(fd.get(), SHUT_WR);
  ASSERT_TRUE(run_until(io, [&] { return process.in_use() == 0; }));
  EXPECT_THAT(passed, IsEmpty());
}

TEST_F(Introduction, ARefusedClientReadsTheAlert) {
  const log_lines infos{log_level::info};
  auto mutual = with_tls();
  mutual.mode = tls_mode::mutual;
  mutual.ca = trust.pem();
  open({.address = test::any_port, .tls = mutual});
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const auto fd = connect();
    tls_client client{{.ca = trust.pem(), .version = version}};
    ASSERT_TRUE(run_until(io, [&] {
      exchange(client, fd.get());
      // In TLS 1.3 it is done before the server has seen its certificate, and talks on.
      if (client.established() && !client.failed()) client.write("GET / HTTP/1.1\r\n\r\n");
      return client.failed();
    }));
    EXPECT_THAT(client.failure(), HasSubstr(version == TLS1_2_VERSION ? "handshake failure"
                                                                      : "certificate required"));
  }
  EXPECT_THAT(passed, IsEmpty());
  EXPECT_EQ(on.count().tls_failures.get(), 2U);
  EXPECT_EQ(on.count().tls_handshakes.get(), 0U);
  EXPECT_THAT(infos.joined(), HasSubstr("did not return a certificate"));
  ASSERT_TRUE(run_until(io, [&] { return process.in_use() == 0; }));
}

TEST_F(Introduction, NewConnectionsSeeWhatWasLoadedAgain) {
  auto options = with_tls();
  options.certificates = {
      {.certificate = put("a.pem", own.certificate), .key = put("a.key", own.key)}};
  open({.address = test::any_port, .tls = options});
  const auto before = connect();
  tls_client old{{.ca = trust.pem()}};
  old.advance();
  test::send_all(before.get(), old.take_output());
  ASSERT_TRUE(run_until(io, [&] { return on.count().accepted.get() == 1; }));
  io.restart();
  io.poll();
  const auto renewed = trust.issue({.common_name = "renewed"});
  put("a.pem", renewed.certificate);
  put("a.key", renewed.key);
  context->reload();
  ASSERT_TRUE(shakes_hands(old, before.get()));
  EXPECT_EQ(old.server(), "a") << "in the middle of a handshake nothing changes";
  const auto after = connect();
  tls_client young{{.ca = trust.pem()}};
  ASSERT_TRUE(shakes_hands(young, after.get(), 2));
  EXPECT_EQ(young.server(), "renewed");
}

}  // namespace
}  // namespace baton::net

// The three verbs, and what is taken back: no request is lost by our doing.
#include <gtest/gtest.h>

#include <optional>

#include "running_loop.hpp"

namespace baton::http::test {
namespace {

constexpr std::string_view get_ping = "GET /ping HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr std::string_view get_later = "GET /later HTTP/1.1\r\nHost: h\r\n\r\n";

struct draining : running_loop {
  draining() : running_loop{short_linger()} {
    web.get("/ping", [](const request&) { return response::text("pong"); });
    web.get("/later", [this](const request&, responder done) { held.emplace(std::move(done)); });
  }
  static limits short_linger() {
    limits allowed;
    allowed.linger_timeout = std::chrono::milliseconds{100};
    return allowed;
  }
  client idle() {
    auto by = connect();
    by.send(get_ping);
    EXPECT_TRUE(until_received(by, "pong"));
    by.take();
    return by;
  }
  std::optional<responder> held;
};

TEST(Drain, TellsTheClientWithItsNextAnswer) {
  draining run;
  auto by = run.idle();
  run.web.announce(run.loop());
  run.settle();
  by.receive();
  EXPECT_FALSE(by.ended());  // idle connections stay until they were told
  by.send(get_ping);
  ASSERT_TRUE(run.until_ended(by));
  EXPECT_EQ(body_of(by.received()), "pong");
  EXPECT_NE(by.received().find("Connection: close\r\n"), std::string::npos);
}

TEST(Drain, TellsWhoComesMeanwhileWithItsFirstAnswer) {
  draining run;
  run.web.announce(run.loop());
  run.settle();
  auto by = run.connect_with(get_ping);  // its TLS handshake took until now, say
  ASSERT_TRUE(run.until_ended(by));
  EXPECT_EQ(body_of(by.received()), "pong");
  EXPECT_NE(by.received().find("Connection: close\r\n"), std::string::npos);
}

TEST(Drain, CanBeTakenBack) {
  draining run;
  auto by = run.idle();
  run.web.announce(run.loop());
  run.web.resume(run.loop());
  by.send(get_ping);
  ASSERT_TRUE(run.until_received(by, "pong"));
  EXPECT_EQ(by.received().find("Connection: close"), std::string::npos);
}

TEST(Drain, AnswersAllRequestsThatWereReadAndTellsWithTheLast) {
  draining run;
  auto by = run.idle();
  run.web.announce(run.loop());
  by.send(std::string{get_ping} + std::string{get_ping} + std::string{get_ping.substr(0, 20)});
  run.settle();
  by.receive();
  EXPECT_EQ(count_of("pong", by.received()), 2U);
  EXPECT_EQ(by.received().find("Connection: close"), std::string::npos);
  by.send(get_ping.substr(20));
  ASSERT_TRUE(run.until_ended(by));
  EXPECT_EQ(count_of("pong", by.received()), 3U);
  EXPECT_EQ(count_of("Connection: close", by.received()), 1U);
}

TEST(Drain, EndsIdleConnectionsWithoutAReset) {
  draining run;
  auto by = run.idle();
  run.web.announce(run.loop());
  run.web.close_when_idle(run.loop());
  by.send(get_ping);  // the worst moment: after the end was sent, before the client saw it
  ASSERT_TRUE(run.until_ended(by));
  EXPECT_TRUE(by.ended());
  EXPECT_FALSE(by.reset());
  EXPECT_TRUE(run.until([&] { return run.closed() == 1; }));
}

TEST(Drain, AnswersARequestThatIsOnItsWayOnAnIdleConnection) {
  draining run;
  auto by = run.idle();
  by.send(get_ping);  // in the receive queue when the verb comes
  run.web.announce(run.loop());
  run.web.close_when_idle(run.loop());
  ASSERT_TRUE(run.until_ended(by));
  EXPECT_EQ(body_of(by.received()), "pong");
  EXPECT_NE(by.received().find("Connection: close\r\n"), std::string::npos);
}

TEST(Drain, LetsOpenWorkFinish) {
  draining run;
  auto waiting = run.connect_with(get_later);
  auto half = run.connect_with(get_ping.substr(0, 9));
  run.settle();
  run.web.announce(run.loop());
  run.web.close_when_idle(run.loop());
  run.settle();
  waiting.receive();
  half.receive();
  EXPECT_FALSE(waiting.ended());
  EXPECT_FALSE(half.ended());
  half.send(get_ping.substr(9));
  ASSERT_TRUE(run.until_ended(half));
  EXPECT_EQ(body_of(half.received()), "pong");
  (*run.held)(response::text("done"));
  ASSERT_TRUE(run.until_ended(waiting));
  EXPECT_EQ(body_of(waiting.received()), "done");
  EXPECT_NE(waiting.received().find("Connection: close\r\n"), std::string::npos);
  waiting.close();
  half.close();
  EXPECT_TRUE(run.until([&] { return run.closed() == 2; }));
}

TEST(Drain, EndsAStreamsConnectionBehindItsLastPiece) {
  draining run;
  std::optional<body_writer> out;
  run.web.get("/stream", [&](const request&, responder done) {
    out.emplace(done.stream(response::text("first")));
  });
  auto by = run.connect_with("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
  run.settle();
  run.web.announce(run.loop());
  run.web.close_when_idle(run.loop());
  run.settle();
  out->finish();
  ASSERT_TRUE(run.until_ended(by));
  EXPECT_EQ(body_of(by.received()), "5\r\nfirst\r\n0\r\n\r\n");
}

TEST(Drain, DropsWhatIsLeftAndCountsIt) {
  draining run;
  auto idle = run.idle();
  auto waiting = run.connect_with(get_later);
  run.settle();
  run.web.drop(run.loop(), {});
  run.settle();
  ASSERT_TRUE(run.until_ended(waiting));
  EXPECT_EQ(waiting.received().substr(0, 12), "HTTP/1.1 503");
  EXPECT_EQ(run.loop().count().dropped.get(), 2U);
  EXPECT_EQ(run.closed(), 2U);
  EXPECT_EQ(run.loop().poller().watched(), 0U);
  (*run.held)(response::text("to nobody"));
  EXPECT_TRUE(run.errors.empty());
}

}  // namespace
}  // namespace baton::http::test

// Keepalive and the age of HTTP/2 connections.
#include <gtest/gtest.h>

#include <optional>
#include <set>

#include "http/connection_age.hpp"
#include "http2_peer.hpp"

namespace baton::http::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr std::uint32_t none = 0;
constexpr std::string_view leaving = "this server is leaving: connect again";
constexpr std::string_view old_enough = "this connection has served its time: connect again";
constexpr milliseconds soon{60};
constexpr milliseconds never{std::chrono::hours{1}};

limits with(http2_limits life) {
  limits allowed;
  allowed.http2 = life;
  return allowed;
}
limits with_keepalive(milliseconds time, milliseconds timeout) {
  return with({.keepalive_time = time, .keepalive_timeout = timeout});
}
limits with_age(milliseconds most, milliseconds grace = {}) {
  return with({.max_connection_age = most, .max_connection_age_grace = grace});
}

/// Keeps its requests until the test answers them.
struct later {
  explicit later(running_loop& run) {
    run.web.get("/later", [this](const request&, responder done) {
      done.on_cancel([this] { ++cancelled; });
      waiting.push_back(std::move(done));
    });
  }
  std::vector<responder> waiting;
  int cancelled = 0;
};

std::string answer_to(const wire::seen& ping) {
  return wire::frame(wire::ping, wire::ack, 0, ping.payload);
}

// --- keepalive

TEST(Http2Keepalive, IsOffUnlessItIsAskedFor) {
  const limits usual;
  EXPECT_EQ(usual.http2.keepalive_time.count(), 0);
  EXPECT_EQ(usual.http2.max_connection_age.count(), 0);
}

TEST(Http2Keepalive, PingsAClientThatIsQuietAndServesItOn) {
  running_loop run{with_keepalive(soon, never)};
  run.web.get("/ping", [](const request&) { return response::text("pong"); });
  http2_peer by{run};
  // Without a request, and behind one.
  ASSERT_TRUE(by.until([&] { return by.h2.pings >= 3; }));
  by.h2.get("/ping");
  ASSERT_TRUE(by.until_closed(1));
  EXPECT_EQ(by.h2.answers[1].body, "pong");
  ASSERT_TRUE(by.until([&] { return by.h2.pings >= 5; }));
  EXPECT_TRUE(by.h2.goaways.empty());
  EXPECT_EQ(run.loop().count().deadlines.get(), 0U);
}

TEST(Http2Keepalive, CutsAClientThatDoesNotAnswer) {
  running_loop run{with_keepalive(soon, soon)};
  later handler{run};
  raw_http2_peer by{run};
  by.socket.send(wire::request(1, wire::get("/later")));
  ASSERT_TRUE(run.until([&] { return handler.waiting.size() == 1; }));
  ASSERT_TRUE(run.until([&] { return handler.cancelled == 1; }));
  EXPECT_EQ(run.closed(), 1U);
  EXPECT_EQ(run.loop().count().deadlines.get(), 1U);
  EXPECT_EQ(run.loop().poller().watched(), 0U);
  ASSERT_TRUE(run.until_ended(by.socket));
  by.find(wire::ping, 0);
  EXPECT_EQ(by.count(wire::ping), 1U) << "one at a time";
}

TEST(Http2Keepalive, CutsAnIdleClientThatDoesNotAnswer) {
  running_loop run{with_keepalive(soon, soon)};
  raw_http2_peer by{run};
  ASSERT_TRUE(run.until_ended(by.socket));
  EXPECT_NE(by.find(wire::ping, 0), nullptr);
  EXPECT_EQ(run.loop().count().deadlines.get(), 1U);
}

TEST(Http2Keepalive, TakesAnyByteForAnAnswer) {
  running_loop run{with_keepalive(soon, milliseconds{100})};
  run.web.get("/ping", [](const request&) { return response{204}; });
  raw_http2_peer silent{run};
  raw_http2_peer talking{run};
  std::uint32_t last = 1;
  talking.socket.send(wire::request(last, wire::get("/ping")));
  unsigned cut = 0;
  // As long as three lives of a client that is silent.
  ASSERT_TRUE(run.until([&] {
    talking.socket.receive();
    if (talking.find(wire::headers, last) != nullptr)
      talking.socket.send(wire::request(last += 2, wire::get("/ping")));
    silent.socket.receive();
    if (!silent.socket.ended()) return false;
    silent.socket = run.connect_with(wire::opening());
    return ++cut == 3;
  }));
  ASSERT_TRUE(talking.until_frame(wire::headers, last));
  EXPECT_FALSE(talking.socket.ended());
}

TEST(Http2Keepalive, HearsWhatCameWhileTheLoopWasLate) {
  running_loop run{with_keepalive(soon, milliseconds{100})};
  raw_http2_peer by{run};
  ASSERT_TRUE(by.until_frame(wire::ping, 0));
  // The deadline has passed before the loop looks at the socket again.
  const auto late = steady_clock::now() + milliseconds{200};
  while (steady_clock::now() < late) continue;
  by.socket.send(answer_to(*by.find(wire::ping, 0)));
  ASSERT_TRUE(run.until([&] {
    by.socket.receive();
    by.find(wire::ping, 0);
    return by.count(wire::ping) == 2 || by.socket.ended();
  }));
  EXPECT_FALSE(by.socket.ended());
}

TEST(Http2Keepalive, LeavesAClientThatReadsSlowlyToItsOwnDeadline) {
  running_loop run{with_keepalive(soon, soon)};
  const std::string large(std::size_t{2} * 1024 * 1024, 'x');
  run.web.get("/large", [&](const request&) { return response::view(large); });
  raw_http2_peer slow{run};
  slow.socket.send(wire::frame(wire::settings, 0, 0, wire::setting(4, 0x7fffffff)) +
                   wire::frame(wire::window_update, 0, 0, wire::word(0x7fff0000)) +
                   wire::request(1, wire::get("/large")));
  run.settle();
  {
    raw_http2_peer silent{run};
    ASSERT_TRUE(run.until_ended(silent.socket));
  }
  ASSERT_TRUE(run.until([&] {
    slow.socket.receive();
    return slow.body_bytes() == large.size();
  }));
  EXPECT_EQ(run.loop().count().deadlines.get(), 1U);
}

TEST(Http2Keepalive, GoesOnWhileTheClientIsToLeave) {
  running_loop run{with_keepalive(soon, soon)};
  later handler{run};
  raw_http2_peer by{run};
  by.socket.send(wire::request(1, wire::get("/later")));
  ASSERT_TRUE(run.until([&] { return handler.waiting.size() == 1; }));
  run.web.announce(run.loop());
  ASSERT_TRUE(run.until([&] { return handler.cancelled == 1; }));
  EXPECT_EQ(run.closed(), 1U);
  EXPECT_EQ(run.loop().count().deadlines.get(), 1U);
}

// F26: the round trip must have begun behind the first GOAWAY.
TEST(Http2Keepalive, TheAnswerToAnEarlierPingDoesNotHastenADrain) {
  running_loop run{with_keepalive(soon, never)};
  run.web.get("/ping", [](const request&) { return response::text("pong"); });
  raw_http2_peer by{run};
  ASSERT_TRUE(by.until_frame(wire::ping, 0));
  const auto first = answer_to(*by.find(wire::ping, 0));
  run.web.announce(run.loop());
  ASSERT_TRUE(by.until_frame(wire::goaway, 0));
  EXPECT_EQ(by.count(wire::ping), 1U);
  by.socket.send(first);
  ASSERT_TRUE(run.until([&] {
    by.socket.receive();
    by.find(wire::ping, 0);
    return by.count(wire::ping) == 2 || by.socket.ended();
  }));
  EXPECT_EQ(by.count(wire::goaway), 1U);
  by.socket.send(wire::request(1, wire::get("/ping")) + answer_to(*by.find(wire::ping, 0)));
  ASSERT_TRUE(by.until_ended_with(none, leaving));
  EXPECT_EQ(wire::word_at(by.find(wire::goaway, 0)->payload, 0), 1U);
  EXPECT_EQ(by.count(wire::goaway), 2U);
}

// --- age

TEST(Http2Age, EndsAnIdleConnection) {
  running_loop run{with_age(soon)};
  raw_http2_peer by{run};
  ASSERT_TRUE(by.until_ended_with(none, old_enough));
  EXPECT_EQ(by.count(wire::goaway), 2U);
  EXPECT_EQ(run.loop().count().deadlines.get(), 0U);
}

TEST(Http2Age, LetsOpenRequestsFinish) {
  running_loop run{with_age(soon)};
  later handler{run};
  raw_http2_peer by{run};
  by.socket.send(wire::request(1, wire::get("/later")));
  ASSERT_TRUE(by.until_frame(wire::goaway, 0));
  EXPECT_EQ(wire::word_at(by.find(wire::goaway, 0)->payload, 0), 0x7fffffffU);
  by.socket.send(wire::request(3, wire::get("/later")));  // as if it had been on its way
  ASSERT_TRUE(run.until([&] { return handler.waiting.size() == 2; }));
  ASSERT_TRUE(run.until([&] {
    by.socket.receive();
    by.find(wire::goaway, 0);
    return by.count(wire::goaway) == 2;
  }));
  EXPECT_EQ(wire::word_at(by.find(wire::goaway, 0)->payload, 0), 3U);
  EXPECT_FALSE(by.socket.ended());
  for (auto& each : handler.waiting) each(response::text("late"));
  ASSERT_TRUE(by.until_ended_with(none, old_enough));
  for (const std::uint32_t id : {1, 3}) EXPECT_EQ(by.find(wire::data, id)->payload, "late");
  EXPECT_EQ(run.loop().count().dropped.get(), 0U);
}

TEST(Http2Age, TellsStreamsThatTheyShouldEnd) {
  running_loop run{with_age(soon)};
  std::optional<body_writer> open;
  run.web.get("/stream", [&](const request&, responder done) {
    open = done.stream(response::text("first"));
    open->on_drain([&] { open->finish(); });
  });
  http2_peer by{run};
  by.h2.get("/stream");
  ASSERT_TRUE(by.until_ended());
  EXPECT_EQ(by.h2.answers[1].body, "first");
  EXPECT_EQ(by.h2.answers[1].closed, 0);
}

TEST(Http2Age, DropsWhatOutstaysItsGrace) {
  running_loop run{with_age(soon, milliseconds{400})};
  later handler{run};
  http2_peer by{run};
  by.h2.get("/later");
  ASSERT_TRUE(by.until_ended());
  EXPECT_EQ(by.h2.answers[1].status(), "503");
  EXPECT_EQ(run.loop().count().dropped.get(), 1U);
  EXPECT_EQ(run.closed(), 1U);
}

TEST(Http2Age, GraceIsNotForADrain) {
  running_loop run{with_age(never, soon)};
  later handler{run};
  http2_peer by{run};
  by.h2.get("/later");
  ASSERT_TRUE(by.until([&] { return handler.waiting.size() == 1; }));
  run.web.announce(run.loop());
  ASSERT_TRUE(by.until([&] { return by.h2.goaways.size() == 2; }));
  EXPECT_EQ(by.h2.goaway_text, leaving);
  handler.waiting.front()(response::text("late"));
  ASSERT_TRUE(by.until_ended());
  EXPECT_EQ(by.h2.answers[1].body, "late");
}

TEST(Http2Age, IsSpreadOverATenthOfItEitherWay) {
  constexpr milliseconds most{std::chrono::hours{1}};
  std::set<std::int64_t> parts;
  for (int i = 0; i < 1000; ++i) {
    const steady_clock::time_point born{std::chrono::hours{77} + nanoseconds{i * 1234}};
    const auto lived = age_reached(born, most) - born;
    EXPECT_GE(lived, most * 9 / 10);
    EXPECT_LE(lived, most * 11 / 10);
    EXPECT_EQ(age_reached(born, most) - born, lived);
    parts.insert((lived - most * 9 / 10) * 20 / (most / 5));
  }
  EXPECT_GE(parts.size(), 20U) << "every twentieth has some";
}

// --- both are limits

TEST(Http2Life, UpdateReachesConnectionsThatAreOpen) {
  running_loop run;
  http2_peer by{run};
  by.exchange();
  run.settle();
  run.web.update(with_keepalive(soon, never));
  ASSERT_TRUE(by.until([&] { return by.h2.pings != 0; }));
  run.web.update(with_age(soon));
  ASSERT_TRUE(by.until_ended());
  EXPECT_EQ(by.h2.goaway_text, old_enough);
}

TEST(Http2Life, UpdateCanTakeItBack) {
  running_loop run{with_keepalive(soon, soon)};
  http2_peer by{run};
  ASSERT_TRUE(by.until([&] { return by.h2.pings != 0; }));
  run.web.update({});
  raw_http2_peer quiet{run};
  run.web.update(with_keepalive(soon, soon));
  ASSERT_TRUE(by.until([&] {
    quiet.socket.receive();
    return quiet.socket.ended();
  }));
  EXPECT_FALSE(by.socket.ended());
}

TEST(Http2Life, RefusesTimesThatMakeNoSense) {
  running_loop run;
  for (const auto& wrong :
       {with_keepalive(milliseconds{-1}, soon), with_keepalive(soon, milliseconds{0}),
        with_age(milliseconds{-1}), with_age(soon, milliseconds{-1})})
    EXPECT_THROW(run.web.update(wrong), setup_error);
  try {
    run.web.update(with_keepalive(soon, milliseconds{0}));
  } catch (const setup_error& error) {
    EXPECT_STREQ(error.what(),
                 "http2_limits::keepalive_timeout is 0 ms, but must be at least 1 ms");
  }
}

}  // namespace
}  // namespace baton::http::test

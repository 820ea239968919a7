// How an HTTP/2 connection begins and ends: Upgrade, GOAWAY in two steps, termination.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/request_builder.hpp"
#include "http2_client.hpp"

namespace baton::http::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

constexpr std::int32_t any_stream = 0x7fffffff;

struct pair : ::testing::Test {
  pair() {
    client.settings();
    server.answer_all();
  }
  http2_client client;
  http2_server server;
};
using Http2Goaway = pair;

// F26.
TEST_F(Http2Goaway, IsSaidTwiceWithARoundTripBetween) {
  server.on_end = [](server_stream&) {};
  client.get("/before");
  ASSERT_TRUE(client.talk(server));

  // The client sends a request before it hears of the drain.
  client.get("/meanwhile");
  const auto on_its_way = client.send();
  server.engine.shutdown_notice("leaving soon");
  server.engine.ping();
  ASSERT_TRUE(client.receive(server.collect()));
  EXPECT_THAT(client.goaways, ElementsAre(Pair(any_stream, NGHTTP2_NO_ERROR)));
  EXPECT_EQ(client.goaway_text, "leaving soon");
  server.feed(on_its_way);
  EXPECT_THAT(server.log, HasSubstr("GET /meanwhile"));
  EXPECT_THAT(server.log, Not(HasSubstr("pong")));
  ASSERT_TRUE(client.talk(server));
  EXPECT_THAT(server.log, HasSubstr("pong\n"));

  server.engine.goaway("leaving");
  EXPECT_TRUE(server.engine.wants_write());
  ASSERT_TRUE(client.talk(server));
  EXPECT_THAT(client.goaways,
              ElementsAre(Pair(any_stream, NGHTTP2_NO_ERROR), Pair(3, NGHTTP2_NO_ERROR)));
  EXPECT_EQ(client.goaway_text, "leaving");
  EXPECT_TRUE(server.engine.wants_read()) << "two requests are open";

  for (const std::uint32_t id : {1, 3})
    server.engine.respond(server.stream(id), response::text("answered"), some_date);
  ASSERT_TRUE(client.talk(server));
  EXPECT_EQ(client.answers[1].body, "answered");
  EXPECT_EQ(client.answers[3].body, "answered");
  EXPECT_TRUE(server.engine.over());
  EXPECT_THAT(server.log, Not(HasSubstr("failed")));
}

TEST_F(Http2Goaway, LeavesOutWhatComesBehindTheLastOne) {
  server.feed(wire::opening() + wire::request(1));
  server.collect();
  server.engine.goaway("leaving");
  server.collect();
  EXPECT_TRUE(server.engine.over());

  http2_server busy;
  busy.on_end = [](server_stream&) {};
  busy.feed(wire::opening() + wire::request(1));
  busy.engine.goaway("leaving");
  busy.collect();
  busy.feed(wire::request(3) + wire::request(5, wire::post(), wire::end_headers) +
            wire::frame(wire::data, 0, 5, "late"));
  EXPECT_THAT(busy.log, Not(HasSubstr("head 3")));
  EXPECT_THAT(busy.log, Not(HasSubstr("head 5")));
  EXPECT_FALSE(busy.engine.over());
  busy.engine.respond(busy.stream(1), response::text("last"), some_date);
  busy.collect();
  EXPECT_TRUE(busy.engine.over());
}

TEST_F(Http2Goaway, NamesTheLastRequestThatWasBegun) {
  server.on_end = [](server_stream&) {};
  server.engine.goaway("leaving");
  client.get();
  client.get();
  ASSERT_TRUE(client.talk(server));
  EXPECT_THAT(client.goaways, ElementsAre(Pair(3, NGHTTP2_NO_ERROR)));
  EXPECT_EQ(server.engine.open_streams(), 2U);
}

TEST_F(Http2Goaway, OfTheClientIsHeard) {
  client.get();
  ASSERT_TRUE(client.talk(server));
  nghttp2_submit_goaway(client.session, NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, nullptr, 0);
  ASSERT_TRUE(client.talk(server));
  EXPECT_TRUE(server.engine.over());
}

TEST_F(Http2Goaway, PingsOnceAtATime) {
  ASSERT_TRUE(client.talk(server));
  server.engine.ping();
  server.engine.ping();
  std::size_t pings = 0;
  const auto out = server.collect();
  for (const auto& sent : wire::parse(out)) pings += sent.type == wire::ping ? 1 : 0;
  EXPECT_EQ(pings, 1U);
  server.feed(wire::frame(wire::ping, wire::ack, 0, "12345678"));
  EXPECT_THAT(server.log, Not(HasSubstr("pong")));
  ASSERT_TRUE(client.receive(out));
  ASSERT_TRUE(client.talk(server));
  EXPECT_EQ(server.log, "pong\n");
  server.engine.ping();
  ASSERT_TRUE(client.talk(server));
  EXPECT_EQ(server.log, "pong\npong\n");
}

TEST_F(Http2Goaway, TerminatesAtOnce) {
  server.on_end = [](server_stream&) {};
  client.get();
  ASSERT_TRUE(client.talk(server));
  server.engine.terminate(engine::http2_error::enhance_your_calm, "enough");
  EXPECT_TRUE(server.engine.wants_write());
  ASSERT_TRUE(client.receive(server.collect()));
  EXPECT_THAT(client.goaways, ElementsAre(Pair(1, NGHTTP2_ENHANCE_YOUR_CALM)));
  EXPECT_EQ(client.goaway_text, "enough");
  EXPECT_TRUE(server.engine.over());
  EXPECT_THAT(server.log, Not(HasSubstr("failed"))) << "whoever said so knows";
}

TEST_F(Http2Goaway, TerminatesFromWithinAnEvent) {
  server.on_head = [&](server_stream&) {
    server.engine.terminate(engine::http2_error::internal_error, "cannot go on");
  };
  client.get();
  client.get();
  server.feed(client.send());
  ASSERT_TRUE(client.receive(server.collect()));
  EXPECT_THAT(client.goaways, ElementsAre(Pair(1, NGHTTP2_INTERNAL_ERROR)));
  EXPECT_EQ(client.goaway_text, "cannot go on");
  EXPECT_TRUE(server.engine.over());
  EXPECT_THAT(server.log, Not(HasSubstr("head 3")));
}

TEST_F(Http2Goaway, NothingHappensBehindTheEnd) {
  server.on_end = [](server_stream&) {};
  client.get();
  ASSERT_TRUE(client.talk(server));
  auto& of = server.stream(1);
  server.engine.terminate(engine::http2_error::no_error, "done");
  server.collect();
  server.engine.respond(of, response::text("too late"), some_date);
  server.engine.resume(of);
  server.engine.go_on(of);
  server.engine.ping();
  server.engine.shutdown_notice("leaving soon");
  server.engine.reset(of, engine::http2_error::cancel);
  server.feed("anything");
  EXPECT_EQ(server.collect(), "");
  EXPECT_TRUE(server.engine.over());
}

// --- Upgrade

struct upgraded : ::testing::Test {
  upgraded() {
    const nghttp2_settings_entry entries[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 10},
                                              {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 100'000}};
    std::uint8_t payload[12];
    nghttp2_pack_settings_payload(payload, sizeof payload, entries, 2);
    nghttp2_session_upgrade2(client.session, payload, sizeof payload, 0, nullptr);
    builder.reset();
    builder.head("GET", 3);
    builder.line(method::get, 11, {});
  }
  // AAMAAAAK AAQAAYag: the two settings above.
  static constexpr std::string_view settings = "AAMAAAAKAAQAAYag";
  http2_client client;
  http2_server server;
  server_stream* first = new server_stream;
  request_builder builder{first->asked};
};
using Http2Upgrade = upgraded;

TEST_F(Http2Upgrade, AnswersTheRequestThatCameByHttp1) {
  ASSERT_TRUE(server.engine.upgrade(*first, settings));
  EXPECT_EQ(server.engine.open_streams(), 1U);
  EXPECT_TRUE(first->complete());
  server.engine.respond(*first, response::text(std::string(90'000, 'u')), some_date);
  const auto out = server.collect();
  EXPECT_EQ(wire::parse(out).front().type, wire::settings);
  client.settings();
  ASSERT_TRUE(client.receive(out));
  server.answer_all();
  client.get("/second");
  ASSERT_TRUE(client.talk(server));
  EXPECT_EQ(client.answers[1].body.size(), 90'000U);
  EXPECT_EQ(client.answers[3].body, "hello");
  EXPECT_THAT(server.log, Not(HasSubstr("head 1")));
  EXPECT_THAT(server.log, Not(HasSubstr("failed")));
}

TEST_F(Http2Upgrade, KnowsThatTheFirstStreamIsEnded) {
  ASSERT_TRUE(server.engine.upgrade(*first, settings));
  server.feed(wire::opening() + wire::frame(wire::data, 0, 1, "more"));
  server.collect();
  EXPECT_THAT(server.log, HasSubstr("failed 5"));
}

TEST_F(Http2Upgrade, AnswersHeadWithoutABody) {
  builder.line(method::head, 11, {});
  ASSERT_TRUE(server.engine.upgrade(*first, ""));
  server.engine.respond(*first, response::text("left out"), some_date);
  for (const auto& sent : server.frames()) EXPECT_NE(sent.type, wire::data);
}

TEST_F(Http2Upgrade, RefusesMalformedSettings) {
  for (const auto* wrong :
       {"AAMAAAAKAAQAAYa=", "AAM", "AAMAAAAKA", "AAMAAAAK+AQAAYag", "AAMAAAAL "})
    EXPECT_FALSE(server.engine.upgrade(*first, wrong)) << wrong;
  EXPECT_EQ(server.engine.open_streams(), 0U);
  delete first;
}

}  // namespace
}  // namespace baton::http::test

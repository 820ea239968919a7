// Requests and answers over HTTP/2, with nghttp2's own client on the other side.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http2_client.hpp"

namespace baton::http::test {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

struct pair : ::testing::Test {
  pair() {
    client.settings();
    server.answer_all();
  }
  http2_client client;
  http2_server server;
};
using Http2Engine = pair;

TEST_F(Http2Engine, AnswersARequest) {
  const auto id = client.get("/a?x=1", {{"accept", "text/html"}});
  ASSERT_TRUE(client.talk(server));
  EXPECT_EQ(server.log,
            "head 1 GET /a?x=1 host h\n  host=h\n  accept=text/html\nend 1 \nclosed 1 0\n");
  const auto& got = client.answers.at(id);
  EXPECT_EQ(got.body, "hello");
  EXPECT_EQ(got.head, (wire::fields{{":status", "200"},
                                    {"content-type", "text/plain; charset=utf-8"},
                                    {"content-length", "5"},
                                    {"date", std::string{some_date}}}));
  EXPECT_EQ(got.closed, NGHTTP2_NO_ERROR);
  EXPECT_EQ(server.engine.open_streams(), 0U);
  EXPECT_FALSE(server.engine.wants_write());
  EXPECT_TRUE(server.engine.wants_read());
}

TEST_F(Http2Engine, AnnouncesItsLimits) {
  ASSERT_TRUE(client.talk(server));
  auto& said = client.server_settings;
  const http2_limits defaults;
  EXPECT_EQ(said[NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS], defaults.max_concurrent_streams);
  EXPECT_EQ(said[NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE], defaults.initial_window_size);
  EXPECT_EQ(said[NGHTTP2_SETTINGS_MAX_FRAME_SIZE], defaults.max_frame_size);
  EXPECT_EQ(said[NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE], defaults.max_header_list_size);
  EXPECT_EQ(said[NGHTTP2_SETTINGS_HEADER_TABLE_SIZE], defaults.header_table_size);
  EXPECT_EQ(said[NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL], 1U);
  EXPECT_EQ(nghttp2_session_get_remote_window_size(client.session),
            static_cast<std::int32_t>(defaults.connection_window_size));
}

TEST_F(Http2Engine, RefusesLimitsThatTheProtocolDoesNotKnow) {
  limits wrong;
  wrong.http2.max_frame_size = 1000;
  try {
    engine::http2_settings settings{wrong};
    FAIL();
  } catch (const setup_error& error) {
    EXPECT_STREQ(error.what(),
                 "http2_limits::max_frame_size is 1000, but must be from 16384 to 16777215");
  }
}

TEST_F(Http2Engine, AnswersManyAtOnceInOneOutput) {
  for (int i = 0; i < 100; ++i) client.get("/" + std::to_string(i));
  ASSERT_TRUE(client.talk(server));
  EXPECT_EQ(client.answers.size(), 100U);
  for (const auto& [id, got] : client.answers) EXPECT_EQ(got.body, "hello") << id;
}

TEST_F(Http2Engine, AnswersWhatComesLater) {
  server.on_end = [](server_stream&) {};
  client.get("/one");
  client.get("/two");
  ASSERT_TRUE(client.talk(server));
  EXPECT_EQ(server.engine.open_streams(), 2U);
  server.engine.respond(server.stream(3), response::text("second"), some_date);
  ASSERT_TRUE(client.talk(server));
  EXPECT_EQ(client.answers[3].body, "second");
  EXPECT_EQ(client.answers.count(1), 0U);
  server.engine.respond(server.stream(1), response::text("first"), some_date);
  ASSERT_TRUE(client.talk(server));
  EXPECT_EQ(client.answers[1].body, "first");
}

TEST_F(Http2Engine, SendsNoBodyWhereThereIsNone) {
  server.on_end = [this](server_stream& of) {
    const auto path = of.asked.path();
    auto answer = response::text("body", path == "/204" ? 204 : path == "/304" ? 304 : 200);
    server.engine.respond(of, path == "/empty" ? response{} : std::move(answer), some_date);
  };
  auto head = wire::get("/head");
  head[0].second = "HEAD";
  client.request(head);
  client.get("/204");
  client.get("/304");
  client.get("/empty");
  ASSERT_TRUE(client.talk(server));
  EXPECT_EQ(client.answers[1].field("content-length"), "4");
  EXPECT_EQ(client.answers[3].field("content-length"), "");
  EXPECT_EQ(client.answers[5].field("content-length"), "");
  EXPECT_EQ(client.answers[7].field("content-length"), "0");
  for (const auto& [id, got] : client.answers) {
    EXPECT_EQ(got.body, "") << id;
    EXPECT_EQ(got.closed, NGHTTP2_NO_ERROR) << id;
  }
}

TEST_F(Http2Engine, WritesTheFieldsOfAnAnswerInLowerCase) {
  server.on_end = [this](server_stream& of) {
    auto answer = response::bytes(std::string{"x"}, "image/png");
    answer.set("X-Mixed-Case", "Value").add("Set-Cookie", "a=1").add("Set-Cookie", "b=2");
    answer.set("Keep-Alive", "timeout=5").set("Upgrade", "h2c").set("Proxy-Connection", "x");
    answer.set("Date", "some day").close();
    server.engine.respond(of, std::move(answer), some_date);
  };
  client.get();
  ASSERT_TRUE(client.talk(server));
  EXPECT_EQ(client.answers[1].head, (wire::fields{{":status", "200"},
                                                  {"content-length", "1"},
                                                  {"content-type", "image/png"},
                                                  {"x-mixed-case", "Value"},
                                                  {"set-cookie", "a=1"},
                                                  {"set-cookie", "b=2"},
                                                  {"date", "some day"}}));
}

TEST_F(Http2Engine, SendsALargeBodyAsTheClientTakesIt) {
  const auto body = std::make_shared<const std::string>(std::size_t{3} * 1024 * 1024, 'b');
  server.on_end = [&](server_stream& of) {
    server.engine.respond(of, response::bytes(body), some_date);
  };
  client.get();
  ASSERT_TRUE(client.talk(server));
  EXPECT_EQ(client.answers[1].body.size(), body->size());
  EXPECT_EQ(client.answers[1].closed, NGHTTP2_NO_ERROR);
  EXPECT_EQ(body.use_count(), 1) << "the engine still holds the body";
}

TEST_F(Http2Engine, CollectsNoMoreThanItIsAskedFor) {
  server.answer_all(std::string(std::size_t{60} * 1024, 'b'));
  client.get();
  server.feed(client.send());
  output_buffer out;
  server.engine.collect(out, 20'000, server.now);
  EXPECT_GE(out.size(), 20'000U);
  EXPECT_LT(out.size(), 20'000U + 16'384U + 9U + 200U);
  EXPECT_TRUE(server.engine.wants_write());
  ASSERT_TRUE(client.receive(out.view()));
  ASSERT_TRUE(client.talk(server));
  EXPECT_EQ(client.answers[1].body.size(), std::size_t{60} * 1024);
}

TEST_F(Http2Engine, UsesLargerFramesWhereTheClientAllowsThem) {
  http2_client other;
  other.settings({{NGHTTP2_SETTINGS_MAX_FRAME_SIZE, 1U << 20U},
                  {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1U << 20U}});
  server.answer_all(std::string(60'000, 'b'));
  other.get();
  server.feed(other.send());
  std::vector<std::size_t> sizes;
  for (const auto& frame : server.frames())
    if (frame.type == wire::data) sizes.push_back(frame.payload.size());
  EXPECT_EQ(sizes, std::vector<std::size_t>{60'000});
}

TEST_F(Http2Engine, LetsLargeAnswersShareTheConnection) {
  server.answer_all(std::string(200'000, 'b'));
  http2_client other;
  other.settings({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1U << 20U}});
  for (int i = 0; i < 3; ++i) other.get();
  server.feed(other.send());
  output_buffer out;
  server.engine.collect(out, 64'000, server.now);
  std::map<std::uint32_t, std::size_t> sent;
  for (const auto& frame : wire::parse(out.view()))
    if (frame.type == wire::data) sent[frame.stream] += frame.payload.size();
  EXPECT_EQ(sent.size(), 3U);
}

TEST_F(Http2Engine, ObeysThePriorityThatAClientAsksFor) {
  server.answer_all(std::string(60'000, 'b'));
  client.get("/late", {{"priority", "u=5"}});
  client.get("/soon", {{"priority", "u=1"}});
  server.feed(client.send());
  std::vector<std::uint32_t> order;
  for (const auto& frame : server.frames())
    if (frame.type == wire::data && (order.empty() || order.back() != frame.stream))
      order.push_back(frame.stream);
  EXPECT_EQ(order.front(), 3U);
}

TEST_F(Http2Engine, HandsOverAnExtendedConnect) {
  server.on_head = [&](server_stream& of) {
    EXPECT_EQ(of.protocol(), "websocket");
    EXPECT_EQ(of.asked.method(), method::connect);
    EXPECT_EQ(of.asked.path(), "/chat");
    EXPECT_FALSE(of.complete());
    server.engine.respond(of, response{}, some_date, of.source);
    of.source.bytes = "pong";
    server.engine.resume(of);
  };
  server.on_end = [&](server_stream& of) {
    of.source.last = true;
    server.engine.resume(of);
  };
  ASSERT_TRUE(client.talk(server));  // the client must know that it is allowed
  http2_client::upload tunnel{.bytes = "ping", .trailers = {}, .hold = true};
  client.request({{":method", "CONNECT"},
                  {":protocol", "websocket"},
                  {":scheme", "http"},
                  {":path", "/chat"},
                  {":authority", "h"}},
                 &tunnel);
  ASSERT_TRUE(client.talk(server));
  EXPECT_EQ(client.answers[1].status(), "200");
  EXPECT_EQ(client.answers[1].field("content-length"), "");
  EXPECT_EQ(client.answers[1].body, "pong");
  EXPECT_EQ(server.stream(1).body, "ping");
  tunnel.hold = false;
  nghttp2_session_resume_data(client.session, 1);
  ASSERT_TRUE(client.talk(server));
  EXPECT_EQ(client.answers[1].closed, NGHTTP2_NO_ERROR);
}

TEST_F(Http2Engine, LeavesATunnelOpenThatOnlyOneSideHasEnded) {
  server.on_head = [&](server_stream& of) {
    of.source.last = true;
    server.engine.respond(of, response{}, some_date, of.source);
  };
  ASSERT_TRUE(client.talk(server));
  http2_client::upload tunnel{.bytes = {}, .trailers = {}, .hold = true};
  client.request({{":method", "CONNECT"},
                  {":protocol", "websocket"},
                  {":scheme", "http"},
                  {":path", "/chat"},
                  {":authority", "h"}},
                 &tunnel);
  ASSERT_TRUE(client.talk(server));
  EXPECT_EQ(client.answers[1].closed, -1);
  EXPECT_TRUE(server.stream(1).finished());
}

TEST_F(Http2Engine, SaysNothingTwice) {
  server.on_end = [&](server_stream& of) {
    server.engine.respond(of, response::text("one"), some_date);
    server.engine.respond(of, response::text("two"), some_date);
  };
  client.get();
  ASSERT_TRUE(client.talk(server));
  EXPECT_EQ(client.answers[1].body, "one");
}

TEST_F(Http2Engine, ResetsWhatItIsToldTo) {
  server.on_head = [&](server_stream& of) {
    server.engine.reset(of, engine::http2_error::refused_stream);
    server.engine.respond(of, response{}, some_date);
  };
  client.get();
  ASSERT_TRUE(client.talk(server));
  EXPECT_EQ(client.answers[1].closed, NGHTTP2_REFUSED_STREAM);
  EXPECT_THAT(server.log, Not(HasSubstr("end")));
  EXPECT_THAT(server.log, HasSubstr("closed 1 7"));
}

TEST_F(Http2Engine, ReportsAClientThatTakesARequestBack) {
  server.on_end = [](server_stream&) {};
  const auto id = client.get();
  ASSERT_TRUE(client.talk(server));
  client.reset(id);
  ASSERT_TRUE(client.talk(server));
  EXPECT_THAT(server.log, HasSubstr("closed 1 8"));
}

TEST_F(Http2Engine, ResetsAnAnswerWhoseHeadIsTooLarge) {
  server.on_end = [&](server_stream& of) {
    server.engine.respond(of, response{}.set("x", std::string(300 * 1024, 'x')), some_date);
  };
  client.get();
  ASSERT_TRUE(client.talk(server));
  EXPECT_EQ(client.answers[1].closed, NGHTTP2_INTERNAL_ERROR);
}

TEST_F(Http2Engine, SendsAHeadOverSeveralFrames) {
  server.on_end = [&](server_stream& of) {
    server.engine.respond(of, response::text("b").set("x", std::string(50 * 1024, '\x7e')),
                          some_date);
  };
  client.get();
  ASSERT_TRUE(client.talk(server));
  EXPECT_EQ(client.answers[1].field("x").size(), 50U * 1024U);
  EXPECT_EQ(client.answers[1].body, "b");
}

TEST_F(Http2Engine, ReportsEveryStreamClosedWhenTheConnectionIsGone) {
  server.on_end = [](server_stream&) {};
  client.get();
  client.get();
  ASSERT_TRUE(client.talk(server));
  server.engine.close();
  EXPECT_THAT(server.log, HasSubstr("closed 1 8\nclosed 3 8\n"));
  EXPECT_TRUE(server.engine.over());
  EXPECT_EQ(server.engine.open_streams(), 0U);
}

TEST_F(Http2Engine, MayBeClosedFromWithinAnEvent) {
  server.on_head = [&](server_stream&) { server.engine.close(); };
  client.get();
  client.get();
  server.feed(client.send());
  EXPECT_TRUE(server.engine.over());
  EXPECT_THAT(server.log, HasSubstr("closed 1 8\n"));
  EXPECT_THAT(server.log, Not(HasSubstr("3")));
}

}  // namespace
}  // namespace baton::http::test

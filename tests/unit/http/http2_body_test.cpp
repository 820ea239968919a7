// Bodies both ways over HTTP/2: flow control, streaming, trailers, stalled clients.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http2_client.hpp"

namespace baton::http::test {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::size_t kibi = 1024;

struct pair : ::testing::Test {
  pair() {
    client.settings();
    server.answer_all();
  }
  http2_client client;
  http2_server server;
};
using Http2Body = pair;

TEST_F(Http2Body, TakesABodyWithTrailers) {
  http2_client::upload body{.bytes = std::string(100 * kibi, 'b'),
                            .trailers = {{"checksum", "42"}, {"more", "yes"}}};
  server.on_end = [&](server_stream& of) {
    EXPECT_EQ(of.body.size(), 100 * kibi);
    EXPECT_EQ(of.content_length(), 100 * kibi);
    EXPECT_EQ((*of.asked.trailers().find("Checksum")).value, "42");
    server.engine.respond(of, response::text("thanks"), some_date);
  };
  client.request(wire::post({{"content-length", std::to_string(100 * kibi)}}), &body);
  ASSERT_TRUE(client.talk(server));
  EXPECT_EQ(client.answers[1].body, "thanks");
  EXPECT_THAT(server.log, HasSubstr("  trailer checksum=42\n  trailer more=yes\n"));
}

TEST_F(Http2Body, HoldsTheClientBackUntilTheHandlerTakesTheBody) {
  limits small;
  small.http2.initial_window_size = 10'000;
  http2_server slow{small};
  slow.consumes = false;
  http2_client::upload body{.bytes = std::string(25'000, 'b'), .trailers = {}};
  ASSERT_TRUE(client.talk(slow));
  client.request(wire::post(), &body);
  ASSERT_TRUE(client.talk(slow));
  EXPECT_EQ(slow.stream(1).body.size(), 10'000U);
  EXPECT_EQ(slow.stream(1).unconsumed(), 10'000U);
  slow.engine.consume(slow.stream(1), 4'000);
  ASSERT_TRUE(client.talk(slow));
  EXPECT_EQ(slow.stream(1).body.size(), 10'000U) << "a small credit is not worth a frame";
  slow.engine.consume(slow.stream(1), 6'000);
  ASSERT_TRUE(client.talk(slow));
  EXPECT_EQ(slow.stream(1).body.size(), 20'000U);
  slow.engine.consume(slow.stream(1), 10'000);
  ASSERT_TRUE(client.talk(slow));
  EXPECT_EQ(slow.stream(1).body.size(), 25'000U);
  EXPECT_THAT(slow.log, HasSubstr("end 1"));
}

TEST_F(Http2Body, GivesBackTheConnectionsWindowOfAStreamThatNobodyRead) {
  limits small;
  small.http2.connection_window_size = 65'535;
  http2_server slow{small};
  slow.consumes = false;
  ASSERT_TRUE(client.talk(slow));
  for (int i = 0; i < 10; ++i) {
    http2_client::upload body{.bytes = std::string(50'000, 'b'), .trailers = {}, .hold = true};
    const auto id = client.request(wire::post(), &body);
    ASSERT_TRUE(client.talk(slow));
    ASSERT_EQ(slow.stream(static_cast<std::uint32_t>(id)).body.size(), 50'000U) << i;
    client.reset(id);
    ASSERT_TRUE(client.talk(slow));
  }
}

TEST_F(Http2Body, EndsAClientThatOverrunsItsWindow) {
  limits small;
  small.http2.initial_window_size = 1'000;
  http2_server slow{small};
  slow.consumes = false;
  slow.feed(wire::opening() + wire::frame(wire::settings, wire::ack, 0));
  slow.feed(wire::request(1, wire::post(), wire::end_headers) +
            wire::frame(wire::data, 0, 1, std::string(2'000, 'b')));
  slow.collect();
  EXPECT_THAT(slow.log, HasSubstr("closed 1 3"));
}

TEST_F(Http2Body, RefusesABodyBeyondTheLimit) {
  limits small;
  small.max_body = 1'000;
  http2_server strict{small};
  strict.answer_all();
  http2_client::upload body{.bytes = std::string(200 * kibi, 'b'), .trailers = {}};
  client.request(wire::post(), &body);
  ASSERT_TRUE(client.talk(strict));
  EXPECT_EQ(client.answers[1].status(), "413");
  EXPECT_EQ(client.answers[1].closed, NGHTTP2_NO_ERROR);
  EXPECT_THAT(strict.log, HasSubstr("refused 1 413\n"));
  EXPECT_THAT(strict.log, Not(HasSubstr("end")));
}

TEST_F(Http2Body, MayAllowOneRequestMore) {
  limits small;
  small.max_body = 1'000;
  http2_server strict{small};
  strict.answer_all();
  strict.on_head = [](server_stream& of) { engine::http2::limit_body(of, 5'000); };
  http2_client::upload body{.bytes = std::string(5'000, 'b'), .trailers = {}};
  client.request(wire::post(), &body);
  http2_client::upload larger{.bytes = std::string(5'001, 'b'), .trailers = {}};
  client.request(wire::post(), &larger);
  ASSERT_TRUE(client.talk(strict));
  EXPECT_EQ(client.answers[1].status(), "200");
  EXPECT_EQ(client.answers[3].status(), "413");
}

TEST_F(Http2Body, AnswersBeforeTheBodyHasCome) {
  server.on_head = [&](server_stream& of) {
    server.engine.respond(of, response::text("no need", 403), some_date);
  };
  server.on_end = [](server_stream&) {};
  http2_client::upload body{.bytes = "part", .trailers = {}, .hold = true};
  client.request(wire::post(), &body);
  ASSERT_TRUE(client.talk(server));
  EXPECT_EQ(client.answers[1].status(), "403");
  EXPECT_EQ(client.answers[1].body, "no need");
  EXPECT_EQ(client.answers[1].closed, -1);  // a small rest may come
  body.hold = false;
  nghttp2_session_resume_data(client.session, 1);
  ASSERT_TRUE(client.talk(server));
  EXPECT_EQ(client.answers[1].closed, NGHTTP2_NO_ERROR);
  EXPECT_THAT(server.log, HasSubstr("closed 1 0"));
}

TEST(Http2BodyByHand, TakesNoLargeRestBehindAnAnswer) {
  http2_server server;
  server.on_head = [&](server_stream& of) {
    server.engine.respond(of, response::text("no need", 403), some_date);
  };
  server.on_end = [](server_stream&) {};
  server.feed(wire::opening() + wire::frame(wire::settings, wire::ack, 0) +
              wire::request(1, wire::post(), wire::end_headers) +
              wire::request(3, wire::post({{"content-length", "65537"}}), wire::end_headers) +
              wire::request(5, wire::post({{"expect", "100-continue"}}), wire::end_headers));
  server.collect();
  EXPECT_THAT(server.log, HasSubstr("closed 3 0"));
  EXPECT_THAT(server.log, HasSubstr("closed 5 0"));
  for (int i = 0; i < 4; ++i)
    server.feed(wire::frame(wire::data, 0, 1, std::string(16 * kibi, 'r')));
  for (const auto& each : server.frames()) EXPECT_NE(each.type, wire::rst_stream);
  EXPECT_THAT(server.log, Not(HasSubstr("closed 1")));
  server.feed(wire::frame(wire::data, 0, 1, "r"));
  server.collect();
  EXPECT_THAT(server.log, HasSubstr("closed 1 0"));
}

TEST_F(Http2Body, TellsWhatIsWrongWithTheRestBehindAnAnswer) {
  server.on_head = [&](server_stream& of) {
    server.engine.respond(of, response::text("no need", 403), some_date);
  };
  server.feed(wire::opening() + wire::frame(wire::settings, wire::ack, 0) +
              wire::request(1, wire::post({{"content-length", "1"}}), wire::end_headers));
  server.collect();
  server.feed(wire::frame(wire::data, wire::end_stream, 1, "more"));
  server.collect();
  EXPECT_THAT(server.log, HasSubstr("closed 1 1"));
}

TEST(Http2BodyByHand, HoldsOneStreamBackWithoutTheOthers) {
  http2_server server;
  server.consumes = false;
  server.feed(wire::opening() + wire::frame(wire::settings, wire::ack, 0) +
              wire::request(1, wire::post(), wire::end_headers));
  server.collect();
  const auto half = std::string(600 * kibi, 'b');
  for (std::size_t at = 0; at < half.size(); at += 16 * kibi)
    server.feed(wire::frame(wire::data, 0, 1, std::string_view{half}.substr(at, 16 * kibi)));
  auto& of = server.stream(1);
  const auto came = of.unconsumed();
  server.engine.hold_back(of, came);
  EXPECT_EQ(of.unconsumed(), 0U);
  EXPECT_EQ(of.held_back(), came);
  for (const auto& each : server.frames()) EXPECT_NE(each.stream, 1U);
  server.engine.let_on(of);
  EXPECT_EQ(of.held_back(), 0U);
  bool widened = false;
  for (const auto& each : server.frames())
    widened |= each.type == wire::window_update && each.stream == 1;
  EXPECT_TRUE(widened);
}

TEST_F(Http2Body, LetsAClientGoOnThatWaits) {
  server.on_head = [&](server_stream& of) {
    EXPECT_TRUE(of.expects_continue());
    server.engine.go_on(of);
  };
  http2_client::upload body{.bytes = {}, .trailers = {}, .hold = true};
  client.request(wire::post({{"expect", "100-continue"}}), &body);
  ASSERT_TRUE(client.talk(server));
  EXPECT_EQ(client.answers[1].interim, std::vector<std::string>{"100"});
  body.bytes = "now";
  body.hold = false;
  nghttp2_session_resume_data(client.session, 1);
  ASSERT_TRUE(client.talk(server));
  EXPECT_EQ(client.answers[1].status(), "200");
  EXPECT_EQ(client.answers[1].body, "hello");
  EXPECT_THAT(server.log, HasSubstr("end 1 now\n"));
}

TEST_F(Http2Body, SendsAnAnswerPieceByPiece) {
  server.on_end = [&](server_stream& of) {
    server.engine.respond(of, response::text("left out"), some_date, of.source);
  };
  client.get();
  ASSERT_TRUE(client.talk(server));
  auto& of = server.stream(1);
  EXPECT_EQ(client.answers[1].status(), "200");
  EXPECT_EQ(client.answers[1].field("content-length"), "");
  EXPECT_FALSE(server.engine.wants_write());
  for (const auto* piece : {"one", "two", ""}) {
    of.source.bytes += piece;
    server.engine.resume(of);
    ASSERT_TRUE(client.talk(server));
  }
  EXPECT_EQ(client.answers[1].body, "onetwo");
  EXPECT_EQ(client.answers[1].closed, -1);
  of.source.last = true;
  server.engine.resume(of);
  ASSERT_TRUE(client.talk(server));
  EXPECT_EQ(client.answers[1].closed, NGHTTP2_NO_ERROR);
  EXPECT_THAT(server.log, HasSubstr("closed 1 0"));
}

TEST_F(Http2Body, SendsTrailersBehindABody) {
  for (const std::string piece : {"body", ""}) {
    server.on_end = [&](server_stream& of) {
      of.source.bytes = piece;
      of.source.last = true;
      of.source.lines = "Grpc-Status: 0\r\nKeep-Alive: no\r\nX: y\r\n";
      server.engine.respond(of, response{}, some_date, of.source);
    };
    const auto id = client.get();
    ASSERT_TRUE(client.talk(server));
    EXPECT_EQ(client.answers[id].body, piece);
    EXPECT_EQ(client.answers[id].trailers, (wire::fields{{"grpc-status", "0"}, {"x", "y"}}));
    EXPECT_EQ(client.answers[id].closed, NGHTTP2_NO_ERROR);
  }
}

TEST_F(Http2Body, SendsTheTrailersOfAWholeAnswer) {
  for (const std::string& body :
       {std::string{"body"}, std::string{}, std::string(100 * kibi, 'b')}) {
    server.on_end = [&](server_stream& of) {
      server.engine.respond(of, response::bytes(body).trailer("Grpc-Status", "0").trailer("X", "y"),
                            some_date);
    };
    const auto id = client.get();
    ASSERT_TRUE(client.talk(server));
    EXPECT_EQ(client.answers[id].body, body);
    EXPECT_EQ(client.answers[id].trailers, (wire::fields{{"grpc-status", "0"}, {"x", "y"}}));
    EXPECT_EQ(client.answers[id].closed, NGHTTP2_NO_ERROR);
  }
}

TEST_F(Http2Body, AsksNoSourceForAnAnswerWithoutABody) {
  server.on_end = [&](server_stream& of) {
    of.source.bytes = "never sent";
    server.engine.respond(of, response{of.asked.path() == "/304" ? 304U : 200U}, some_date,
                          of.source);
  };
  auto head = wire::get();
  head[0].second = "HEAD";
  client.request(head);
  client.get("/304");
  ASSERT_TRUE(client.talk(server));
  for (const auto& [id, got] : client.answers) {
    EXPECT_EQ(got.body, "") << id;
    EXPECT_EQ(got.closed, NGHTTP2_NO_ERROR) << id;
  }
}

TEST_F(Http2Body, TellsTheSourceHowFarTheClientsWindowGoes) {
  http2_client narrow{false};
  narrow.settings({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1'000}});
  server.on_end = [&](server_stream& of) {
    of.source.bytes.assign(5'000, 's');
    of.source.last = true;
    server.engine.respond(of, response{}, some_date, of.source);
  };
  narrow.get();
  ASSERT_TRUE(narrow.talk(server));
  EXPECT_EQ(server.stream(1).source.at, 1'000U);
  nghttp2_session_consume(narrow.session, 1, 1'000);
  ASSERT_TRUE(narrow.talk(server));
  EXPECT_EQ(server.stream(1).source.at, 2'000U);
}

TEST_F(Http2Body, SaysSinceWhenAClientTakesNothing) {
  http2_client narrow{false};
  narrow.settings({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1'000}});
  server.answer_all(std::string(5'000, 'b'));
  EXPECT_EQ(server.engine.stalled_since(), std::nullopt);
  const auto begin = server.now;
  narrow.get();
  ASSERT_TRUE(narrow.talk(server));
  server.now += seconds{10};
  narrow.get();
  ASSERT_TRUE(narrow.talk(server));
  EXPECT_EQ(server.engine.stalled_since(), begin);
  EXPECT_FALSE(server.engine.wants_write());

  // Progress on the first: now the second waits longest.
  server.now += seconds{10};
  nghttp2_session_consume(narrow.session, 1, 1'000);
  ASSERT_TRUE(narrow.talk(server));
  EXPECT_EQ(server.engine.stalled_since(), begin + seconds{10});

  server.engine.reset_stalled(begin + seconds{10});
  ASSERT_TRUE(narrow.talk(server));
  EXPECT_EQ(narrow.answers[3].closed, NGHTTP2_CANCEL);
  EXPECT_EQ(narrow.answers[1].closed, -1);
  EXPECT_EQ(server.engine.stalled_since(), begin + seconds{20});
}

TEST_F(Http2Body, DoesNotCallAQuietSourceStalled) {
  server.on_end = [&](server_stream& of) {
    server.engine.respond(of, response{}, some_date, of.source);
  };
  client.get();
  ASSERT_TRUE(client.talk(server));
  EXPECT_EQ(server.engine.stalled_since(), std::nullopt);
}

TEST_F(Http2Body, DoesNotCallASourceStalledWhoseLastPieceHasFilledTheWindow) {
  http2_client narrow{false};
  narrow.settings({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1'000}});
  server.on_end = [&](server_stream& of) {
    of.source.bytes.assign(1'000, 's');
    server.engine.respond(of, response{}, some_date, of.source);
  };
  narrow.get();
  ASSERT_TRUE(narrow.talk(server));
  EXPECT_EQ(narrow.answers[1].body.size(), 1'000U);
  EXPECT_EQ(server.engine.stalled_since(), std::nullopt);
  server.now += seconds{10};
  server.stream(1).source.bytes += "more";
  server.engine.resume(server.stream(1));
  ASSERT_TRUE(narrow.talk(server));
  server.now += seconds{10};
  ASSERT_TRUE(narrow.talk(server));
  EXPECT_EQ(server.engine.stalled_since(), server.now - seconds{10});
  nghttp2_session_consume(narrow.session, 1, 1'000);
  ASSERT_TRUE(narrow.talk(server));
  EXPECT_EQ(narrow.answers[1].body.size(), 1'004U);
  EXPECT_EQ(server.engine.stalled_since(), std::nullopt);
}

TEST_F(Http2Body, IsNotStalledOnceAllIsSent) {
  client.get();
  ASSERT_TRUE(client.talk(server));
  EXPECT_EQ(server.engine.stalled_since(), std::nullopt);
}

TEST_F(Http2Body, StalledByTheConnectionsWindow) {
  http2_client narrow{false};
  narrow.settings({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1U << 20U}});
  server.answer_all(std::string(100'000, 'b'));
  narrow.get();
  ASSERT_TRUE(narrow.talk(server));
  EXPECT_EQ(narrow.answers[1].body.size(), 65'535U);
  EXPECT_TRUE(server.engine.stalled_since().has_value());
  nghttp2_session_consume(narrow.session, 1, 65'535);
  ASSERT_TRUE(narrow.talk(server));
  EXPECT_EQ(narrow.answers[1].body.size(), 100'000U);
  EXPECT_EQ(server.engine.stalled_since(), std::nullopt);
}

TEST_F(Http2Body, SaysWhetherAHeaderIsUnfinished) {
  server.feed(wire::opening());
  EXPECT_FALSE(server.engine.reading_header());
  const auto fields = wire::block(wire::get());
  const auto first = wire::frame(wire::headers, wire::end_stream, 1, fields.substr(0, 5));
  server.feed(first.substr(0, 9));
  EXPECT_TRUE(server.engine.reading_header());
  server.feed(first.substr(9));
  EXPECT_TRUE(server.engine.reading_header());
  server.feed(wire::frame(wire::continuation, wire::end_headers, 1, fields.substr(5)));
  EXPECT_FALSE(server.engine.reading_header());
  EXPECT_THAT(server.log, HasSubstr("head 1"));
}

}  // namespace
}  // namespace baton::http::test

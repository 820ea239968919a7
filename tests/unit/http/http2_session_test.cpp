// An HTTP/2 connection over a socket: its deadlines, its end, and what it holds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/error.hpp>
#include <thread>

#include "http2_peer.hpp"

namespace baton::http::test {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

constexpr std::uint32_t none = 0;
constexpr std::uint32_t refused_stream = 7;
constexpr std::uint32_t cancel = 8;
constexpr std::uint32_t calm = 11;
constexpr std::string_view leaving = "this server is leaving: connect again";
constexpr std::size_t mebi = std::size_t{1024} * 1024;

response pong(const request&) { return response::text("pong"); }

limits with(milliseconds limits::*which, milliseconds value = milliseconds{60}) {
  limits allowed;
  allowed.*which = value;
  return allowed;
}

/// Keeps its requests until the test answers them.
struct later {
  explicit later(running_loop& run) {
    run.web.get("/later",
                [this](const request&, responder done) { waiting.push_back(std::move(done)); });
  }
  std::vector<responder> waiting;
};

TEST(Http2Session, AnswersManyRequestsOfOneConnection) {
  running_loop run;
  run.web.get("/ping", pong);
  http2_peer by{run};
  for (int i = 0; i < 100; ++i) by.h2.get("/ping");
  ASSERT_TRUE(by.until_closed(199));
  for (int id = 1; id < 200; id += 2) EXPECT_EQ(by.h2.answers[id].body, "pong");
  EXPECT_EQ(run.loop().count().requests.get(), 100U);
  EXPECT_TRUE(by.understood());
}

TEST(Http2Session, AnswersWhatWasThereBeforeTheAccept) {
  running_loop run;
  run.web.get("/ping", pong);
  auto by = run.connect_with(wire::opening() + wire::request(1, wire::get("/ping")));
  ASSERT_TRUE(run.until_received(by, "pong"));
}

// F26. What it has on its way is served by whoever accepted it, and some clients would give it up.
TEST(Http2Session, TellsANewClientToLeaveBehindItsFirstRequest) {
  running_loop run;
  run.web.get("/ping", pong);
  run.web.announce(run.loop());
  raw_http2_peer by{run};
  ASSERT_TRUE(by.until_frame(wire::settings, 0));
  run.settle();
  by.socket.receive();
  EXPECT_EQ(by.find(wire::goaway, 0), nullptr);
  by.socket.send(wire::request(1, wire::get("/ping")));
  ASSERT_TRUE(by.until_frame(wire::data, 1));
  ASSERT_TRUE(by.until_frame(wire::goaway, 0));
}

TEST(Http2Session, TellsANewClientThatAsksForNothingToLeaveAllTheSame) {
  running_loop run;
  raw_http2_peer by{run};
  ASSERT_TRUE(by.until_frame(wire::settings, 0));
  run.web.announce(run.loop());
  ASSERT_TRUE(by.until_frame(wire::goaway, 0));
}

// --- deadlines

TEST(Http2Session, EndsAClientThatSaysNothingBehindThePreface) {
  running_loop run{with(&limits::header_timeout)};
  raw_http2_peer by{run};
  ASSERT_TRUE(by.until_ended_with(none, "no request came in time"));
  by.socket.close();
  EXPECT_TRUE(run.until([&] { return run.closed() == 1; }));
  EXPECT_EQ(run.loop().count().deadlines.get(), 1U);
}

TEST(Http2Session, EndsAClientWhoseContinuationNeverComes) {
  running_loop run{with(&limits::header_timeout)};
  run.web.get("/ping", pong);
  raw_http2_peer by{run};
  by.socket.send(wire::request(1, wire::get("/ping"), wire::end_stream));
  ASSERT_TRUE(by.until_ended_with(calm, "a header took too long"));
}

TEST(Http2Session, EndsAClientThatDribblesContinuations) {
  running_loop run{with(&limits::header_timeout, milliseconds{150})};
  raw_http2_peer by{run};
  by.socket.send(wire::frame(wire::headers, wire::end_stream, 1, {}));
  const auto block = wire::block(wire::get("/ping"));
  std::size_t at = 0;
  ASSERT_TRUE(run.until([&] {
    by.socket.receive();
    // Each renews nothing.
    if (at < 10) by.socket.send(wire::frame(wire::continuation, 0, 1, block.substr(at++, 1)));
    return by.socket.ended();
  }));
  EXPECT_TRUE(by.until_ended_with(calm, "a header took too long"));
}

TEST(Http2Session, EndsAnIdleConnectionAfterItsTime) {
  running_loop run{with(&limits::idle_timeout)};
  run.web.get("/ping", pong);
  http2_peer by{run};
  by.h2.get("/ping");
  ASSERT_TRUE(by.until_ended());
  EXPECT_EQ(by.h2.answers[1].body, "pong");
  ASSERT_EQ(by.h2.goaways.size(), 1U);
  EXPECT_EQ(by.h2.goaways[0], (std::pair<std::int32_t, std::uint32_t>{1, 0}));
  EXPECT_EQ(by.h2.goaway_text, "no request for too long");
  EXPECT_FALSE(by.socket.reset());
}

TEST(Http2Session, GivesUpOnABodyThatDoesNotCome) {
  running_loop run{with(&limits::body_timeout)};
  run.web.post("/echo",
               [](const request& asked) { return response::text(std::string{asked.body()}); });
  http2_peer by{run};
  auto fields = wire::post();
  fields[2].second = "/echo";
  http2_client::upload body{.bytes = "half", .trailers = {}, .hold = true};
  by.h2.request(fields, &body);
  ASSERT_TRUE(by.until([&] { return by.h2.answers[1].status() == "408"; }));
  EXPECT_EQ(run.loop().count().deadlines.get(), 1U);
}

TEST(Http2Session, CutsAStreamWhoseWindowNeverOpens) {
  running_loop run{with(&limits::write_timeout)};
  run.web.get("/large", [](const request&) { return response::text(std::string(mebi, 'x')); });
  raw_http2_peer by{run};
  by.socket.send(wire::request(1, wire::get("/large")));
  ASSERT_TRUE(by.until_frame(wire::rst_stream, 1));
  EXPECT_EQ(wire::word_at(by.find(wire::rst_stream, 1)->payload, 0), cancel);
  EXPECT_EQ(by.body_bytes(), 65'535U);  // the window that everybody has
  EXPECT_FALSE(by.socket.ended());
}

TEST(Http2Session, GivesTheSlotBackOfAClientThatLeavesItsWindowAtNothing) {
  auto allowed = with(&limits::write_timeout);
  allowed.idle_timeout = milliseconds{60};
  running_loop run{allowed};
  run.web.get("/ping", pong);
  raw_http2_peer by{run};
  by.socket.send(wire::frame(wire::settings, 0, 0, wire::setting(4, 0)) +
                 wire::request(1, wire::get("/ping")));
  ASSERT_TRUE(by.until_ended_with(none, "no request for too long"));
  EXPECT_EQ(wire::word_at(by.find(wire::rst_stream, 1)->payload, 0), cancel);
}

TEST(Http2Session, LetsGoOfARestThatDoesNotCome) {
  running_loop run{with(&limits::linger_timeout)};
  raw_http2_peer by{run};
  by.socket.send(wire::request(1, wire::post(), wire::end_headers));  // 404
  ASSERT_TRUE(by.until_frame(wire::rst_stream, 1));
  EXPECT_EQ(wire::word_at(by.find(wire::rst_stream, 1)->payload, 0), none);
}

TEST(Http2Session, CutsAClientThatDoesNotReadAndHoldsLittle) {
  running_loop run{with(&limits::write_timeout, milliseconds{200})};
  run.web.get("/large", [](const request&) { return response::text(std::string(mebi, 'x')); });
  raw_http2_peer by{run};
  by.socket.send(wire::frame(wire::settings, 0, 0, wire::setting(4, 0x7fffffff)) +
                 wire::frame(wire::window_update, 0, 0, wire::word(0x7fff0000)));
  for (std::uint32_t id = 1; id < 40; id += 2)
    by.socket.send(wire::request(id, wire::get("/large")));
  ASSERT_TRUE(run.until([&] { return run.closed() == 1; }));
  // What was collected for it is no more than one look at the streams brings.
  EXPECT_LT(run.loop().count().bytes_out.get(), 2 * mebi);
  EXPECT_EQ(run.loop().count().deadlines.get(), 1U);
}

// --- drain

TEST(Http2Session, SaysGoawayTwiceAndServesWhatIsOnItsWay) {
  running_loop run;
  run.web.get("/ping", pong);
  raw_http2_peer by{run};
  by.socket.send(wire::request(1, wire::get("/ping")));
  ASSERT_TRUE(by.until_frame(wire::data, 1));
  run.web.announce(run.loop());
  ASSERT_TRUE(by.until_frame(wire::goaway, 0));
  EXPECT_EQ(wire::word_at(by.find(wire::goaway, 0)->payload, 0), 0x7fffffffU);
  EXPECT_THAT(by.find(wire::goaway, 0)->payload, HasSubstr(leaving));
  // As if it had been sent before the client heard.
  by.socket.send(wire::request(3, wire::get("/ping")));
  ASSERT_TRUE(by.until_frame(wire::data, 3));
  ASSERT_TRUE(by.until_frame(wire::ping, 0));
  by.socket.send(wire::frame(wire::ping, wire::ack, 0, by.find(wire::ping, 0)->payload));
  ASSERT_TRUE(by.until_ended_with(none, leaving));
  EXPECT_EQ(wire::word_at(by.find(wire::goaway, 0)->payload, 0), 3U);
  EXPECT_EQ(by.count(wire::goaway), 2U);
}

TEST(Http2Session, WaitsNoLongerForAPongThanItMust) {
  running_loop run;
  run.web.get("/ping", pong);
  raw_http2_peer by{run};
  by.socket.send(wire::request(1, wire::get("/ping")));
  ASSERT_TRUE(by.until_frame(wire::data, 1));
  run.web.announce(run.loop());
  ASSERT_TRUE(by.until_ended_with(none, leaving));
  EXPECT_EQ(by.count(wire::goaway), 2U);
}

TEST(Http2Session, FinishesOpenStreamsBeforeItGoes) {
  running_loop run;
  later handler{run};
  http2_peer by{run};
  for (int i = 0; i < 3; ++i) by.h2.get("/later");
  ASSERT_TRUE(by.until([&] { return handler.waiting.size() == 3; }));
  run.web.announce(run.loop());
  run.web.close_when_idle(run.loop());
  ASSERT_TRUE(by.until([&] { return by.h2.goaways.size() == 2; }));
  EXPECT_EQ(by.h2.goaways[1].first, 5);
  EXPECT_FALSE(by.socket.ended());
  for (auto& each : handler.waiting) each(response::text("late"));
  ASSERT_TRUE(by.until_ended());
  for (const int id : {1, 3, 5}) EXPECT_EQ(by.h2.answers[id].body, "late");
}

TEST(Http2Session, DropsWhatIsLeftWithAnAnswer) {
  running_loop run;
  later handler{run};
  http2_peer by{run};
  by.h2.get("/later");
  ASSERT_TRUE(by.until([&] { return handler.waiting.size() == 1; }));
  run.web.drop(run.loop(), {});
  ASSERT_TRUE(by.until_ended());
  EXPECT_EQ(by.h2.answers[1].status(), "503");
  ASSERT_EQ(by.h2.goaways.size(), 1U);
  EXPECT_EQ(by.h2.goaway_text, leaving);
  EXPECT_EQ(run.loop().count().dropped.get(), 1U);
  handler.waiting.front()(response::text("too late"));  // nobody hears it
  run.settle();
}

// --- the client leaves

TEST(Http2Session, TellsAHandlerWhoseRequestWasTakenBack) {
  running_loop run;
  std::vector<std::string> told;
  std::vector<responder> whole;
  std::vector<body_writer> streamed;
  run.web.get("/whole", [&](const request&, responder done) {
    done.on_cancel([&] { told.emplace_back("whole"); });
    whole.push_back(std::move(done));
  });
  run.web.get("/streamed", [&](const request&, responder done) {
    streamed.push_back(done.stream(response::text("begun")));
    streamed.back().on_cancel([&] { told.emplace_back("streamed"); });
  });
  http2_peer by{run};
  by.h2.get("/whole");
  by.h2.get("/streamed");
  ASSERT_TRUE(by.until([&] { return by.h2.answers[3].body == "begun"; }));
  EXPECT_TRUE(told.empty());
  by.h2.reset(3);
  ASSERT_TRUE(by.until([&] { return told.size() == 1; }));
  by.h2.reset(1);
  ASSERT_TRUE(by.until([&] { return told.size() == 2; }));
  EXPECT_EQ(told, (std::vector<std::string>{"streamed", "whole"}));
  whole.front()(response::text("for nobody"));
  streamed.front().finish();
}

TEST(Http2Session, ForgetsAClientThatLeavesInTheMiddle) {
  running_loop run;
  later handler{run};
  run.web.post("/", [](const request&) { return response::text("never"); });
  const auto whole = wire::opening() + wire::request(1, wire::get("/later")) +
                     wire::request(3, wire::post(), wire::end_headers) +
                     wire::frame(wire::data, 0, 3, "part");
  const auto before = running_loop::open_descriptors();
  for (std::size_t size = 0; size <= whole.size(); size += 7) {
    auto by = run.connect();
    by.send(std::string_view{whole}.substr(0, size));
    run.settle();
    by.close();
    ASSERT_TRUE(run.until([&] { return run.closed() == size / 7 + 1; })) << size;
  }
  for (auto& each : handler.waiting) each(response::text("for nobody"));
  run.settle();
  EXPECT_EQ(running_loop::open_descriptors(), before);
  EXPECT_EQ(run.loop().poller().watched(), 0U);
}

TEST(Http2Session, GoesOnWithTheOthersWhenAClientTakesARequestBack) {
  running_loop run;
  later handler{run};
  http2_peer by{run};
  by.h2.get("/later");
  by.h2.get("/later");
  ASSERT_TRUE(by.until([&] { return handler.waiting.size() == 2; }));
  by.h2.reset(1);
  ASSERT_TRUE(by.until_closed(1));
  run.settle();
  for (auto& each : handler.waiting) each(response::text("answer"));
  ASSERT_TRUE(by.until_closed(3));
  EXPECT_EQ(by.h2.answers[3].body, "answer");
  EXPECT_EQ(by.h2.answers[1].status(), "");
  EXPECT_EQ(run.loop().count().requests.get(), 1U);
}

TEST(Http2Session, CountsWhatWasTakenBackUntilItsHandlerIsDone) {
  limits allowed;
  allowed.http2.max_concurrent_streams = 4;
  running_loop run{allowed};
  run.web.get("/ping", pong);
  later handler{run};
  raw_http2_peer by{run};
  const auto taken_back = [&](std::uint32_t id) {
    by.socket.send(wire::request(id, wire::get("/later")));
    if (!run.until([&] { return handler.waiting.size() == (id + 1) / 2; })) return false;
    by.socket.send(wire::frame(wire::rst_stream, 0, id, wire::word(cancel)));
    return true;
  };
  for (const std::uint32_t id : {1, 3, 5, 7}) ASSERT_TRUE(taken_back(id)) << id;
  // No stream is open, and four handlers are at work.
  by.socket.send(wire::request(9, wire::get("/ping")));
  ASSERT_TRUE(by.until_frame(wire::rst_stream, 9));
  EXPECT_EQ(wire::word_at(by.find(wire::rst_stream, 9)->payload, 0), refused_stream);
  handler.waiting.pop_back();
  handler.waiting.front()(response::text("for nobody"));
  handler.waiting.erase(handler.waiting.begin());
  by.socket.send(wire::request(11, wire::get("/ping")));
  ASSERT_TRUE(by.until_frame(wire::data, 11));
  EXPECT_FALSE(by.socket.ended());
}

TEST(Http2Session, CountsTheBodiesThatWereTakenBack) {
  limits allowed;
  allowed.http2.max_collected_bytes = 10;
  running_loop run{allowed};
  run.web.get("/ping", pong);
  std::vector<responder> waiting;
  run.web.post("/", [&](const request&, responder done) { waiting.push_back(std::move(done)); });
  raw_http2_peer by{run};
  by.socket.send(wire::request(1, wire::post(), wire::end_headers) +
                 wire::frame(wire::data, wire::end_stream, 1, "eleven ones"));
  ASSERT_TRUE(run.until([&] { return waiting.size() == 1; }));
  by.socket.send(wire::frame(wire::rst_stream, 0, 1, wire::word(cancel)) +
                 wire::request(3, wire::get("/ping")));
  ASSERT_TRUE(by.until_frame(wire::rst_stream, 3));
  waiting.clear();
  by.socket.send(wire::request(5, wire::get("/ping")));
  ASSERT_TRUE(by.until_frame(wire::data, 5));
}

TEST(Http2Session, AHandlerMayBeDoneBehindTheConnection) {
  running_loop run;
  later handler{run};
  {
    raw_http2_peer by{run};
    by.socket.send(wire::request(1, wire::get("/later")));
    ASSERT_TRUE(run.until([&] { return handler.waiting.size() == 1; }));
    by.socket.send(wire::frame(wire::rst_stream, 0, 1, wire::word(cancel)));
    run.settle();
    by.socket.close();
    ASSERT_TRUE(run.until([&] { return run.closed() == 1; }));
  }
  std::thread{[last = std::move(handler.waiting.back())]() mutable {
    last(response::text("for nobody"));
  }}.join();
  run.settle();
}

TEST(Http2Session, TellsAReaderThatItsAnswerCameBeforeTheBody) {
  running_loop run;
  error_code ended;
  run.web.post("/", [&](const request&, body_reader body, responder done) {
    done(response::text("enough"));
    auto kept = std::make_shared<body_reader>(std::move(body));
    kept->async_read([&, kept](error_code why, std::string_view) { ended = why; });
  });
  raw_http2_peer by{run};
  by.socket.send(wire::request(1, wire::post(), wire::end_headers));
  ASSERT_TRUE(by.until_frame(wire::data, 1));
  by.socket.send(wire::frame(wire::data, wire::end_stream, 1, "never read"));
  ASSERT_TRUE(run.until([&] { return static_cast<bool>(ended); }));
  EXPECT_EQ(ended, boost::asio::error::operation_aborted);
}

TEST(Http2Session, LeavesNoDescriptorBehind) {
  const auto before = running_loop::open_descriptors();
  {
    running_loop run;
    run.web.get("/ping", pong);
    for (int i = 0; i < 50; ++i) {
      http2_peer by{run};
      by.h2.get("/ping");
      ASSERT_TRUE(by.until_closed(1));
    }
  }
  EXPECT_EQ(running_loop::open_descriptors(), before);
}

}  // namespace
}  // namespace baton::http::test

// Interim responses (RFC 9110 section 15.2) ahead of an answer.
#include <gtest/gtest.h>

#include <optional>

#include "http2_peer.hpp"
#include "running_loop.hpp"

namespace baton::http::test {
namespace {

constexpr std::string_view hints =
    "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n";

/// Keeps the responder of `/later` until the test answers; `/now` hints and answers at once.
struct hinting : running_loop {
  hinting() {
    web.get("/later", [this](const request&, responder done) { held.emplace(std::move(done)); });
    web.get("/now", [](const request&, responder done) {
      done.inform(103, {{"Link", "</a.css>; rel=preload"}});
      done.inform(102);
      done(response::text("now"));
    });
    web.get("/ping", [](const request&) { return response::text("pong"); });
  }
  ~hinting() { held.reset(); }
  std::optional<responder> held;
};

std::string get(std::string_view path, std::string_view version = "1.1") {
  return "GET " + std::string{path} + " HTTP/" + std::string{version} + "\r\nHost: h\r\n\r\n";
}

TEST(Interim, GoesAheadOfTheAnswerBehindEarlierOnes) {
  hinting run;
  auto by = run.connect();
  by.send(get("/ping") + get("/now") + get("/ping"));
  ASSERT_TRUE(run.until([&] {
    by.receive();
    return count_of("pong", by.received()) == 2;
  }));
  const auto text = by.take();
  EXPECT_NE(text.find("pong" + std::string{hints} + "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200"),
            std::string::npos)
      << text;
}

TEST(Interim, ArrivesWhileTheAnswerIsStillAwaited) {
  hinting run;
  auto by = run.connect();
  by.send(get("/later"));
  ASSERT_TRUE(run.until([&] { return run.held.has_value(); }));
  run.held->inform(103, {{"Link", "</a.css>; rel=preload"}});
  ASSERT_TRUE(run.until_received(by, hints));
  EXPECT_EQ(by.take(), hints);
  (*run.held)(response::text("answer"));
  ASSERT_TRUE(run.until_received(by, "answer"));
  EXPECT_TRUE(by.received().starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST(Interim, IsLeftOutForHttp10) {
  hinting run;
  auto by = run.connect();
  by.send(get("/now", "1.0"));
  ASSERT_TRUE(run.until_ended(by));
  EXPECT_TRUE(by.received().starts_with("HTTP/1.1 200 OK\r\n")) << by.received();
}

TEST(Interim, RefusesWhatIsNone) {
  hinting run;
  auto by = run.connect();
  by.send(get("/later"));
  ASSERT_TRUE(run.until([&] { return run.held.has_value(); }));
  for (const unsigned status : {0U, 99U, 100U, 101U, 200U, 404U})
    EXPECT_THROW(run.held->inform(status), std::invalid_argument) << status;
  for (const auto* name : {"Content-Length", "transfer-encoding", "Connection", "Upgrade", "a b"})
    EXPECT_THROW(run.held->inform(103, {{name, "1"}}), std::invalid_argument) << name;
  EXPECT_THROW(run.held->inform(103, {{"A", "b\r\nC: d"}}), std::invalid_argument);
  (*run.held)(response::text("answer"));
  EXPECT_THROW(run.held->inform(103), std::logic_error);
  ASSERT_TRUE(run.until_received(by, "answer"));
  EXPECT_TRUE(by.received().starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST(Interim, IsLeftOutForAClientThatDoesNotRead) {
  hinting run;
  auto by = run.connect();
  by.send(get("/later"));
  ASSERT_TRUE(run.until([&] { return run.held.has_value(); }));
  const std::string value(1000, 'v');
  for (int i = 0; i < 20'000; ++i) run.held->inform(103, {{"X-Much", value}});
  EXPECT_LT(run.loop().count().bytes_out.get(), std::uint64_t{2} << 20);
  (*run.held)(response::text("at last"));
  ASSERT_TRUE(run.until_received(by, "\r\n\r\nat last"));
  EXPECT_LT(by.received().size(), std::size_t{2} << 20);
}

TEST(Interim, OverHttp2GoesAheadToo) {
  hinting run;
  http2_peer by{run};
  const auto id = by.h2.get("/now");
  ASSERT_TRUE(by.until_closed(id));
  EXPECT_EQ(by.h2.answers[id].interim, (std::vector<std::string>{"103", "102"}));
  EXPECT_EQ(by.h2.answers[id].field("link"), "</a.css>; rel=preload");
  EXPECT_EQ(by.h2.answers[id].body, "now");
  const auto later = by.h2.get("/later");
  ASSERT_TRUE(by.until([&] { return run.held.has_value(); }));
  run.held->inform(103);
  ASSERT_TRUE(by.until([&] { return !by.h2.answers[later].interim.empty(); }));
  for (int i = 0; i < 10'000; ++i) run.held->inform(102);  // as many as may wait, and no more
  (*run.held)(response::text("answer"));
  ASSERT_TRUE(by.until_closed(later));
  EXPECT_EQ(by.h2.answers[later].body, "answer");
  EXPECT_LT(by.h2.answers[later].interim.size(), 200U);
}

}  // namespace
}  // namespace baton::http::test

// What a route may say of itself: its refusals, its patience, its last words at the drain deadline.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <vector>

#include "http2_peer.hpp"

namespace baton::http::test {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

response in_own_words(const request& asked, unsigned status, std::string_view why) {
  return response::text(
      std::to_string(status) + " at " + std::string{asked.path()} + ": " + std::string{why}, 599);
}

route_options own_words() { return {.refused = in_own_words}; }

response echo(const request& asked) { return response::text(std::string{asked.body()}); }

limits hasty() {
  limits allowed;
  allowed.body_timeout = milliseconds{50};
  allowed.linger_timeout = milliseconds{50};
  return allowed;
}

constexpr std::string_view ten_bytes_to_come =
    "POST /own HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n";

wire::fields post(std::string path) {
  auto fields = wire::get(std::move(path));
  fields[0].second = "POST";
  return fields;
}

TEST(Refused, SaysInTheRoutesWordsWhatIsTooLarge) {
  running_loop run;
  auto options = own_words();
  options.max_body = 4;
  run.web.post("/own", echo, options);
  auto by = run.connect_with(ten_bytes_to_come);
  ASSERT_TRUE(run.until_ended(by));
  EXPECT_THAT(by.received(), HasSubstr("413 at /own: the body is too large"));

  http2_peer other{run};
  http2_client::upload body{.bytes = "0123456789", .at = 0, .trailers = {}, .hold = false};
  const auto id = other.h2.request(post("/own"), &body);
  ASSERT_TRUE(other.until_closed(id));
  EXPECT_EQ(other.h2.answers[id].status(), "599");
  EXPECT_THAT(other.h2.answers[id].body, HasSubstr("413 at /own"));
}

TEST(Refused, SaysInTheRoutesWordsWhatIsLate) {
  running_loop run{hasty()};
  run.web.post("/own", echo, own_words());
  auto by = run.connect_with(ten_bytes_to_come);
  ASSERT_TRUE(run.until_ended(by));
  EXPECT_THAT(by.received(), HasSubstr("408 at /own"));

  http2_peer other{run};
  http2_client::upload body{.bytes = "0", .at = 0, .trailers = {}, .hold = true};
  const auto id = other.h2.request(post("/own"), &body);
  ASSERT_TRUE(other.until([&] { return !other.h2.answers[id].body.empty(); }));
  EXPECT_THAT(other.h2.answers[id].body, HasSubstr("408 at /own"));
}

TEST(Refused, SaysInTheRoutesWordsThatItsHandlerThrew) {
  running_loop run;
  run.web.get(
      "/own", [](const request&) -> response { throw std::runtime_error{"no luck"}; }, own_words());
  auto by = run.connect_with("GET /own HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(run.until_received(by, "500 at /own"));
  ASSERT_EQ(run.errors.size(), 1U);
  EXPECT_THAT(run.errors[0], HasSubstr("no luck"));
}

TEST(Refused, FallsBackToTheServicesWordsIfTheRoutesThrow) {
  running_loop run;
  run.web.post(
      "/own", echo,
      {.max_body = 4, .refused = [](const request&, unsigned, std::string_view) -> response {
         throw std::runtime_error{"no words"};
       }});
  auto by = run.connect_with(ten_bytes_to_come);
  ASSERT_TRUE(run.until_ended(by));
  EXPECT_THAT(by.received(), HasSubstr("413 Content Too Large"));
  ASSERT_EQ(run.errors.size(), 1U);
  EXPECT_THAT(run.errors[0], HasSubstr("no words"));
}

TEST(Refused, SaysInTheRoutesWordsThatTheServerLeaves) {
  running_loop run;
  std::vector<responder> held;
  run.web.get(
      "/own", [&](const request&, responder done) { held.push_back(std::move(done)); },
      own_words());
  auto by = run.connect_with("GET /own HTTP/1.1\r\nHost: h\r\n\r\n");
  http2_peer other{run};
  const auto id = other.h2.get("/own");
  ASSERT_TRUE(other.until([&] { return held.size() == 2; }));
  run.web.drop(run.loop(), {});
  ASSERT_TRUE(run.until_ended(by));
  EXPECT_THAT(by.received(), HasSubstr("503 at /own"));
  ASSERT_TRUE(other.until_closed(id));
  EXPECT_THAT(other.h2.answers[id].body, HasSubstr("503 at /own"));
  held.clear();
}

TEST(Patience, OfARouteMayBeEndless) {
  running_loop run{hasty()};
  run.web.post("/own", echo, {.body_timeout = milliseconds{0}});
  run.web.post("/hasty", echo);
  auto by = run.connect_with(ten_bytes_to_come);
  http2_peer other{run};
  http2_client::upload body{.bytes = "0", .at = 0, .trailers = {}, .hold = true};
  http2_client::upload late{.bytes = "0", .at = 0, .trailers = {}, .hold = true};
  const auto id = other.h2.request(post("/own"), &body);
  const auto loser = other.h2.request(post("/hasty"), &late);
  // By the time that one is told it is late, the others would have been, too.
  ASSERT_TRUE(other.until([&] { return other.h2.answers[loser].status() == "408"; }));
  by.receive();
  EXPECT_EQ(by.received(), "");
  by.send("0123456789");
  EXPECT_TRUE(run.until_received(by, "0123456789"));
  body.bytes = "01";
  body.hold = false;
  nghttp2_session_resume_data(other.h2.session, id);
  ASSERT_TRUE(other.until_closed(id));
  EXPECT_EQ(other.h2.answers[id].body, "01");
}

/// Streams that end only when they are told that the deadline has passed.
struct endless : running_loop {
  endless() {
    web.get("/endless", [this](const request&, responder done) {
      writers.push_back(done.stream(response::text("begun")));
      auto& writer = writers.back();
      writer.on_drop([&writer] { writer.finish({{"x-end", "of deadline"}}); });
    });
    writers.reserve(4);
  }
  std::vector<body_writer> writers;
};

TEST(OnDrop, LetsAStreamComeToItsEnd) {
  endless run;
  auto by = run.connect_with("GET /endless HTTP/1.1\r\nHost: h\r\n\r\n");
  http2_peer other{run};
  const auto id = other.h2.get("/endless");
  ASSERT_TRUE(other.until([&] { return other.h2.answers[id].body == "begun"; }));
  run.web.drop(run.loop(), {});
  ASSERT_TRUE(run.until_ended(by));
  EXPECT_THAT(by.received(), HasSubstr("begun\r\n0\r\nx-end: of deadline\r\n\r\n"));
  ASSERT_TRUE(other.until_closed(id));
  ASSERT_EQ(other.h2.answers[id].trailers.size(), 1U);
  EXPECT_EQ(other.h2.answers[id].trailers[0].second, "of deadline");
  EXPECT_TRUE(run.errors.empty());
}

TEST(OnDrop, IsNotOvertakenByAReset) {
  endless run;
  http2_peer by{run};
  const auto id = by.h2.get("/endless");
  ASSERT_TRUE(by.until([&] { return by.h2.answers[id].body == "begun"; }));
  by.h2.get("/endless");
  by.socket.send(by.h2.send());  // and nobody has read it
  run.web.drop(run.loop(), {});
  ASSERT_TRUE(by.until_closed(id));
  EXPECT_EQ(by.h2.answers[id].trailers.size(), 1U);
}

TEST(OnDrop, IsNotCalledForWhatHasEnded) {
  running_loop run;
  bool called = false;
  run.web.get("/done", [&](const request&, responder done) {
    auto writer = done.stream(response::text("done"));
    writer.on_drop([&] { called = true; });
    writer.finish();
  });
  http2_peer by{run};
  ASSERT_TRUE(by.until_closed(by.h2.get("/done")));
  run.web.drop(run.loop(), {});
  run.settle();
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace baton::http::test

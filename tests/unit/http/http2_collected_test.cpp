// What the bodies of one connection may hold together: http2_limits::max_collected_bytes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/error.hpp>

#include "http/body_budget.hpp"
#include "http2_peer.hpp"

namespace baton::http::test {
namespace {

using verdict = body_budget::verdict;

constexpr std::size_t kibi = 1024;
constexpr std::uint32_t refused_stream = 7;

/// What is said of `bytes` more.
verdict add_to_oldest(body_budget& budget, std::size_t bytes) {
  budget.add(bytes);
  return budget.judge_oldest();
}
verdict add(body_budget& budget, std::size_t bytes, std::size_t oldest = 0) {
  budget.add(bytes);
  return budget.judge(oldest);
}

TEST(BodyBudget, LetsAllGoOnUpToHalf) {
  body_budget budget{100};
  EXPECT_EQ(add(budget, 50), verdict::go_on);
  EXPECT_EQ(add(budget, 1), verdict::hold_back);
  EXPECT_EQ(add_to_oldest(budget, 1), verdict::go_on);
  budget.give_back(10, false);
  EXPECT_TRUE(budget.roomy());
  EXPECT_EQ(budget.held(), 42U);
}

TEST(BodyBudget, RefusesWhatDoesNotFitButNeverTheOldest) {
  body_budget budget{100};
  EXPECT_EQ(add(budget, 100), verdict::hold_back);
  EXPECT_EQ(add(budget, 1), verdict::refuse);
  EXPECT_EQ(add_to_oldest(budget, 1'000), verdict::go_on);
  EXPECT_EQ(add(budget, 1, 1'000), verdict::refuse);
  budget.give_back(2, false);
  EXPECT_EQ(budget.judge(1'000), verdict::hold_back) << "what the oldest has is its own";
}

TEST(BodyBudget, WaitsForHandlersThatHoldMuch) {
  body_budget budget{100};
  EXPECT_EQ(add_to_oldest(budget, 60), verdict::go_on);
  budget.serve(60);
  EXPECT_EQ(add_to_oldest(budget, 10), verdict::hold_back);
  EXPECT_EQ(add_to_oldest(budget, 31), verdict::refuse);
  budget.give_back(60, true);
  EXPECT_EQ(add_to_oldest(budget, 1), verdict::go_on);
}

class Http2Collected : public ::testing::Test {
 protected:
  static limits small() {
    limits allowed;
    allowed.http2.initial_window_size = 32 * kibi;
    allowed.http2.max_collected_bytes = 256 * kibi;
    return allowed;
  }
  static wire::fields upload_to(std::string path) {
    auto fields = wire::post();
    fields[2].second = std::move(path);
    return fields;
  }

  running_loop run{small()};
};

TEST_F(Http2Collected, UploadsBeyondTheLimitAllComeThroughAsTheyHelpEachOther) {
  // 5 windows are less than the limit, so that flow control alone holds them back.
  run.web.post("/length", [](const request& asked) {
    return response::text(std::to_string(asked.body().size()));
  });
  http2_peer by{run};
  std::vector<http2_client::upload> bodies(5);
  for (auto& each : bodies) {
    each.bytes = std::string(1024 * kibi, 'b');
    by.h2.request(upload_to("/length"), &each);
  }
  for (const int id : {1, 3, 5, 7, 9}) {
    ASSERT_TRUE(by.until_closed(id));
    EXPECT_EQ(by.h2.answers[id].body, std::to_string(1024 * kibi));
  }
}

TEST_F(Http2Collected, WhatDoesNotFitIsRefusedAndTheOldestComesThrough) {
  run.web.post("/length", [](const request& asked) {
    return response::text(std::to_string(asked.body().size()));
  });
  http2_peer by{run};
  std::vector<http2_client::upload> bodies(40);
  for (auto& each : bodies) {
    each.bytes = std::string(200 * kibi, 'b');
    by.h2.request(upload_to("/length"), &each);
  }
  std::size_t served = 0;
  std::size_t refused = 0;
  for (int id = 1; id < 80; id += 2) {
    ASSERT_TRUE(by.until_closed(id)) << id;
    const auto& answer = by.h2.answers[id];
    if (answer.status() == "200") ++served;
    if (answer.closed == refused_stream) ++refused;
  }
  EXPECT_EQ(by.h2.answers[1].status(), "200");
  EXPECT_EQ(served + refused, 40U);
  EXPECT_GT(refused, 0U);
  // The connection is as good as new.
  http2_client::upload again{.bytes = std::string(600 * kibi, 'b'), .trailers = {}};
  by.h2.request(upload_to("/length"), &again);
  ASSERT_TRUE(by.until_closed(81));
  EXPECT_EQ(by.h2.answers[81].body, std::to_string(600 * kibi));
}

TEST_F(Http2Collected, AStreamThatWaitsForRoomIsNotTimedOut) {
  auto allowed = small();
  allowed.body_timeout = std::chrono::milliseconds{60};
  running_loop hasty{allowed};
  std::vector<responder> holds;
  hasty.web.post("/hold",
                 [&](const request&, responder done) { holds.push_back(std::move(done)); });
  error_code ended;
  hasty.web.post("/read", [&](const request&, body_reader body, responder done) {
    auto kept = std::make_shared<body_reader>(std::move(body));
    kept->async_read([&, kept, done = std::move(done)](error_code why, std::string_view) mutable {
      ended = why;
      done(response::text("ended"));
    });
  });
  http2_peer by{hasty};
  http2_client::upload first{.bytes = std::string(200 * kibi, 'b'), .trailers = {}};
  by.h2.request(upload_to("/hold"), &first);
  ASSERT_TRUE(by.until([&] { return holds.size() == 1; }));
  http2_client::upload second{.bytes = std::string(100 * kibi, 'b'), .trailers = {}};
  by.h2.request(upload_to("/hold"), &second);
  ASSERT_TRUE(by.until([&] { return second.at == 32 * kibi; }));  // its first window
  // Of a third that came later nothing is read in time: so long the second has waited too.
  http2_client::upload third{.bytes = {}, .trailers = {}, .hold = true};
  by.h2.request(upload_to("/read"), &third);
  ASSERT_TRUE(by.until([&] { return static_cast<bool>(ended); }));
  EXPECT_EQ(ended, boost::asio::error::timed_out);
  EXPECT_EQ(second.at, 32 * kibi);
  EXPECT_EQ(by.h2.answers[3].status(), "");
  holds.front()(response::text("done"));
  ASSERT_TRUE(by.until([&] { return holds.size() == 2; }));
  holds.back()(response::text("done"));
  ASSERT_TRUE(by.until_closed(3));
  EXPECT_EQ(by.h2.answers[3].body, "done");
}

TEST_F(Http2Collected, AStreamThatIsTakenBackMakesRoom) {
  std::vector<std::size_t> lengths;
  run.web.post("/length", [&](const request& asked) {
    lengths.push_back(asked.body().size());
    return response::text("");
  });
  http2_peer by{run};
  for (int round = 0; round < 40; ++round) {
    http2_client::upload body{.bytes = std::string(200 * kibi, 'b'), .trailers = {}, .hold = true};
    const auto id = by.h2.request(upload_to("/length"), &body);
    ASSERT_TRUE(by.until([&] { return body.at == body.bytes.size(); })) << round;
    by.h2.reset(id);
    ASSERT_TRUE(by.until_closed(id));
  }
  EXPECT_TRUE(lengths.empty());
}

}  // namespace
}  // namespace baton::http::test

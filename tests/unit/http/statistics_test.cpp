// What a service counts: each request once, whatever becomes of it.
#include "baton/http/statistics.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <vector>

#include "http2_peer.hpp"
#include "running_loop.hpp"

namespace baton::http::test {
namespace {

constexpr std::size_t other = method_count;

/// The figures of the only listener.
listener_statistics figures(const running_loop& run) {
  const auto all = run.web.statistics();
  return all.listeners.size() == 1 ? all.listeners[0] : listener_statistics{};
}

std::uint64_t requests(const listener_statistics& of, std::size_t by, request_outcome outcome) {
  return of.requests[by][static_cast<std::size_t>(outcome)];
}
std::uint64_t requests(const listener_statistics& of, method by, request_outcome outcome) {
  return requests(of, static_cast<std::size_t>(by), outcome);
}
std::uint64_t all_requests(const listener_statistics& of) {
  std::uint64_t sum = 0;
  for (const auto& by : of.requests)
    for (const auto count : by) sum += count;
  return sum;
}

response pong(const request&) { return response::text("pong"); }

TEST(Statistics, CountRequestsByMethodAndStatus) {
  running_loop run;
  run.web.get("/ping", pong);
  run.web.post("/ping", [](const request&) { return response::text("made", 201); });
  run.web.get("/away", [](const request&) { return response{302}; });
  run.web.get("/broken", [](const request&) -> response { throw std::runtime_error{"broken"}; });
  auto by = run.connect();
  by.send(
      "GET /ping HTTP/1.1\r\nHost: h\r\n\r\n"
      "HEAD /ping HTTP/1.1\r\nHost: h\r\n\r\n"
      "POST /ping HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
      "GET /away HTTP/1.1\r\nHost: h\r\n\r\n"
      "GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n"
      "DELETE /ping HTTP/1.1\r\nHost: h\r\n\r\n"
      "GET /broken HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(run.until_ended(by));
  const auto seen = figures(run);
  EXPECT_EQ(requests(seen, method::get, request_outcome::successful), 1U);
  EXPECT_EQ(requests(seen, method::head, request_outcome::successful), 1U);
  EXPECT_EQ(requests(seen, method::post, request_outcome::successful), 1U);
  EXPECT_EQ(requests(seen, method::get, request_outcome::redirected), 1U);
  EXPECT_EQ(requests(seen, method::get, request_outcome::client_error), 1U);
  EXPECT_EQ(requests(seen, method::del, request_outcome::client_error), 1U);
  EXPECT_EQ(requests(seen, method::get, request_outcome::server_error), 1U);
  EXPECT_EQ(all_requests(seen), 7U);
  EXPECT_EQ(seen.latency.count(), 7U);
  EXPECT_EQ(seen.bytes_out, by.received().size());
  EXPECT_EQ(seen.bytes_in, run.loop().count().bytes_in.get());
}

TEST(Statistics, CountWhatIsRefusedAsOther) {
  running_loop run;
  run.web.get("/ping", pong);
  run.whole_answer("GET /ping HTTP/1.1\r\n\r\n");              // no Host: 400
  run.whole_answer("BREW /ping HTTP/1.1\r\nHost: h\r\n\r\n");  // 501
  const auto seen = figures(run);
  EXPECT_EQ(requests(seen, other, request_outcome::server_error), 1U);
  EXPECT_EQ(all_requests(seen), 2U);
  EXPECT_EQ(seen.latency.count(), 2U);
}

TEST(Statistics, LeaveOutConnectionsWithoutARequest) {
  running_loop run;
  run.web.get("/ping", pong);
  run.connect();
  auto half = run.connect();
  half.send("GET /pi");
  run.settle();
  half.close();
  run.settle();
  EXPECT_EQ(all_requests(figures(run)), 0U);
}

TEST(Statistics, CountAsAbortedWhoLeavesBeforeTheAnswer) {
  running_loop run;
  std::vector<responder> waiting;
  run.web.get("/later",
              [&](const request&, responder done) { waiting.push_back(std::move(done)); });
  auto by = run.connect();
  by.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(run.until([&] { return !waiting.empty(); }));
  by.close();
  ASSERT_TRUE(run.until([&] { return run.closed() == 1; }));
  waiting.front()(response::text("too late"));
  run.settle();
  const auto seen = figures(run);
  EXPECT_EQ(requests(seen, method::get, request_outcome::aborted), 1U);
  EXPECT_EQ(all_requests(seen), 1U);
  EXPECT_EQ(seen.latency.count(), 0U);
}

TEST(Statistics, CountAStreamWhenItsHeadIsSent) {
  running_loop run;
  std::optional<body_writer> stream;
  run.web.get("/stream", [&](const request&, responder done) {
    stream.emplace(done.stream(response::text("")));
  });
  auto by = run.connect();
  by.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(run.until_received(by, "\r\n\r\n"));
  EXPECT_EQ(requests(figures(run), method::get, request_outcome::successful), 1U);
  stream->finish();
  ASSERT_TRUE(run.until_received(by, "0\r\n\r\n"));
  EXPECT_EQ(all_requests(figures(run)), 1U);
  EXPECT_EQ(figures(run).latency.count(), 1U);
}

TEST(Statistics, CountStreamsOfHttp2AndThoseTakenBack) {
  running_loop run;
  std::vector<responder> waiting;
  run.web.get("/ping", pong);
  run.web.get("/later",
              [&](const request&, responder done) { waiting.push_back(std::move(done)); });
  http2_peer by{run};
  by.h2.get("/ping");
  by.h2.get("/nowhere");
  const auto taken_back = by.h2.get("/later");
  ASSERT_TRUE(by.until([&] { return !waiting.empty() && by.h2.answers[3].closed >= 0; }));
  EXPECT_EQ(figures(run).http2_streams_opened - figures(run).http2_streams_closed, 1U);
  by.h2.reset(taken_back);
  ASSERT_TRUE(by.until([&] { return figures(run).http2_streams_closed == 3; }));
  waiting.clear();
  const auto seen = figures(run);
  EXPECT_EQ(requests(seen, method::get, request_outcome::successful), 1U);
  EXPECT_EQ(requests(seen, method::get, request_outcome::client_error), 1U);
  EXPECT_EQ(requests(seen, method::get, request_outcome::aborted), 1U);
  EXPECT_EQ(all_requests(seen), 3U);
  EXPECT_EQ(seen.http2_streams_opened, 3U);
  EXPECT_EQ(seen.latency.count(), 2U);
}

TEST(Statistics, MeasureFromTheFirstByteToTheAnswer) {
  running_loop run;
  std::vector<responder> waiting;
  run.web.get("/later",
              [&](const request&, responder done) { waiting.push_back(std::move(done)); });
  const auto from = std::chrono::steady_clock::now();
  auto by = run.connect();
  by.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(run.until([&] { return !waiting.empty(); }));
  const auto there = std::chrono::steady_clock::now();
  const auto least = std::chrono::steady_clock::now() - there;
  waiting.front()(response::text("done"));
  ASSERT_TRUE(run.until_received(by, "done"));
  const auto whole = std::chrono::steady_clock::now() - from;
  EXPECT_GE(figures(run).latency.sum(), least);
  EXPECT_LE(figures(run).latency.sum(), whole);
}

TEST(Statistics, AddUpByListener) {
  statistics all;
  all.of("b").bytes_in = 1;
  all.of("a").bytes_in = 2;
  all.of("c").bytes_in = 3;
  all.of("b").bytes_in += 4;
  ASSERT_EQ(all.listeners.size(), 3U);
  EXPECT_EQ(all.listeners[0].listener, "a");
  EXPECT_EQ(all.listeners[1].bytes_in, 5U);
  EXPECT_EQ(all.find("c"), &all.listeners[2]);
  EXPECT_EQ(all.find("d"), nullptr);
}

}  // namespace
}  // namespace baton::http::test

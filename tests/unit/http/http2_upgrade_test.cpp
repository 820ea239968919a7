// "Upgrade: h2c" (RFC 7540 section 3.2): a connection that begins as HTTP/1.1.
#include <gtest/gtest.h>

#include <boost/asio/error.hpp>
#include <memory>

#include "http2_peer.hpp"

namespace baton::http::test {
namespace {

constexpr std::string_view asks =
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n";

response pong(const request&) { return response::text("pong"); }

TEST(Http2SessionUpgrade, TakesOverFromHttp1) {
  running_loop run;
  run.web.get("/ping", pong);
  auto by = run.connect();
  by.send(
      "GET /ping HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\n"
      "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n");
  ASSERT_TRUE(run.until_received(by, "\r\n\r\n"));
  EXPECT_TRUE(by.received().starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
  by.send(wire::opening());
  ASSERT_TRUE(run.until_received(by, "pong"));
  by.send(wire::frame(wire::settings, wire::ack, 0) + wire::request(3, wire::get("/ping")));
  ASSERT_TRUE(run.until([&] {
    by.receive();
    return count_of("pong", by.received()) == 2;
  }));
}

TEST(Http2SessionUpgrade, AnswersByHttp1WhatCannotTakeOver) {
  running_loop run;
  run.web.get("/ping", pong);
  for (const std::string_view settings : {"", "A", "AAMA", "!!!!!!!!"}) {
    const auto text = run.whole_answer(
        "GET /ping HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, "
        "HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: " +
        std::string{settings} + "\r\n\r\n");
    EXPECT_TRUE(text.starts_with("HTTP/1.1 200 OK\r\n")) << settings << text;
  }
}

TEST(Http2SessionUpgrade, TellsAReaderThatThereIsNoBody) {
  running_loop run;
  run.web.get("/read", [](const request&, body_reader body, responder done) {
    auto kept = std::make_shared<body_reader>(std::move(body));
    kept->async_read([kept, done = std::move(done)](error_code why, std::string_view) mutable {
      done(response::text(why == boost::asio::error::eof ? "nothing to read" : why.message()));
    });
  });
  auto by = run.connect();
  by.send("GET /read HTTP/1.1\r\nHost: h\r\n" + std::string{asks});
  ASSERT_TRUE(run.until_received(by, "\r\n\r\n"));
  by.send(wire::opening());
  EXPECT_TRUE(run.until_received(by, "nothing to read"));
}

TEST(Http2SessionUpgrade, AnswersLater) {
  running_loop run;
  std::vector<responder> waiting;
  run.web.get("/later",
              [&](const request&, responder done) { waiting.push_back(std::move(done)); });
  auto by = run.connect();
  by.send("GET /later HTTP/1.1\r\nHost: h\r\n" + std::string{asks});
  ASSERT_TRUE(run.until_received(by, "\r\n\r\n"));
  by.send(wire::opening());
  ASSERT_TRUE(run.until([&] { return waiting.size() == 1; }));
  waiting.front()(response::text("at last"));
  EXPECT_TRUE(run.until_received(by, "at last"));
}

}  // namespace
}  // namespace baton::http::test

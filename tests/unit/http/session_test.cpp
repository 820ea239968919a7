#include <gtest/gtest.h>

#include "running_loop.hpp"

namespace baton::http::test {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view get_ping = "GET /ping HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr std::string_view get_ping_last =
    "GET /ping HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

response pong(const request&) { return response::text("pong"); }

TEST(Session, AnswersOnTheSameConnectionAgainAndAgain) {
  running_loop run;
  run.web.get("/ping", pong);
  auto by = run.connect();
  for (int i = 0; i < 3; ++i) {
    by.send(get_ping);
    ASSERT_TRUE(run.until_received(by, "pong"));
    const auto text = by.take();
    EXPECT_TRUE(text.starts_with("HTTP/1.1 200 OK\r\nDate: ")) << text;
    EXPECT_NE(text.find("Content-Length: 4\r\n"), std::string::npos);
    EXPECT_EQ(text.find("Connection:"), std::string::npos);
  }
  EXPECT_EQ(run.loop().count().requests.get(), 3U);
  EXPECT_FALSE(by.ended());
}

TEST(Session, AnswersWhatWasThereBeforeTheAccept) {
  running_loop run;
  run.web.get("/ping", pong);
  auto by = run.connect_with(get_ping_last);
  by.receive();  // without the loop's help
  EXPECT_EQ(body_of(by.take()), "pong");
  EXPECT_TRUE(by.ended());
  EXPECT_EQ(run.loop().poller().watched(), 0U);
  EXPECT_EQ(run.closed(), 1U);
}

TEST(Session, AnswersPipelinedRequestsInOrderAndCloses) {
  running_loop run;
  run.web.get("/n/{n}", [](const request& asked) {
    return response::text("<" + std::string{asked.param("n")} + ">");
  });
  std::string bytes;
  std::string expected;
  for (int i = 0; i < 300; ++i) {
    bytes += "GET /n/" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n" +
             (i == 299 ? "Connection: close\r\n" : "") + "\r\n";
    expected += "<" + std::to_string(i) + ">";
  }
  const auto text = run.whole_answer(bytes);
  EXPECT_EQ(count_of("HTTP/1.1 200 OK", text), 300U);
  EXPECT_EQ(count_of("Connection: close", text), 1U);
  std::string order;
  for (std::size_t at = text.find('<'); at != std::string::npos; at = text.find('<', at + 1))
    order += text.substr(at, text.find('>', at) + 1 - at);
  EXPECT_EQ(order, expected);
}

TEST(Session, ServesARequestThatArrivesByteByByte) {
  running_loop run;
  run.web.post("/echo", [](const request& asked) {
    return response::text(std::string{asked.body()} + std::string{asked.header("x-name")});
  });
  auto by = run.connect();
  for (const char byte : std::string_view{
           "POST /echo HTTP/1.1\r\nHost: h\r\nX-Name: value\r\nContent-Length: 5\r\n\r\nhello"}) {
    by.send({&byte, 1});
    run.settle();
  }
  ASSERT_TRUE(run.until_received(by, "hellovalue"));
}

TEST(Session, LeavesTheBodyOutForHead) {
  running_loop run;
  run.web.get("/ping", pong);
  const auto text = run.whole_answer("HEAD /ping HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_NE(text.find("Content-Length: 4\r\n"), std::string::npos);
  EXPECT_EQ(body_of(text), "");
}

TEST(Session, SendsNoBodyWithStatusesThatHaveNone) {
  running_loop run;
  run.web.get("/204", [](const request&) { return response::text("x", 204); });
  run.web.get("/304", [](const request&) { return response::text("x", 304); });
  for (const std::string path : {"/204", "/304"}) {
    const auto text =
        run.whole_answer("GET " + path + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(text.find("Content-Length"), std::string::npos) << text;
    EXPECT_EQ(body_of(text), "");
  }
}

TEST(Session, HonoursKeepAliveOfHttp10) {
  running_loop run;
  run.web.get("/ping", pong);
  const auto text = run.whole_answer(
      "GET /ping HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /ping HTTP/1.0\r\n\r\n");
  EXPECT_EQ(count_of("pong", text), 2U);
  EXPECT_EQ(count_of("Connection: keep-alive", text), 1U);
  EXPECT_EQ(count_of("Connection: close", text), 1U);
}

TEST(Session, TellsWhatIsNotThere) {
  running_loop run;
  run.web.get("/ping", pong);
  run.web.put("/ping", pong);
  auto by = run.connect();
  by.send(
      "GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n"
      "POST /ping HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody"
      "OPTIONS /ping HTTP/1.1\r\nHost: h\r\n\r\n"
      "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n");
  by.send(get_ping);
  ASSERT_TRUE(run.until_received(by, "pong"));
  const auto text = by.take();
  EXPECT_EQ(count_of("HTTP/1.1 404 Not Found", text), 1U);
  EXPECT_EQ(count_of("HTTP/1.1 405 Method Not Allowed", text), 1U);
  EXPECT_EQ(count_of("HTTP/1.1 204 No Content", text), 2U);
  EXPECT_EQ(count_of("Allow: GET, HEAD, PUT, OPTIONS", text), 3U);
}

TEST(Session, RefusesAndClosesWithoutAReset) {
  running_loop run;
  run.web.get("/ping", pong);
  auto by = run.connect();
  by.send("GET /ping HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n" + std::string(100'000, 'x'));
  ASSERT_TRUE(run.until_ended(by));
  EXPECT_FALSE(by.reset());
  EXPECT_TRUE(by.received().starts_with("HTTP/1.1 400 Bad Request\r\n")) << by.received();
  EXPECT_NE(by.received().find("Connection: close"), std::string::npos);
  by.close();
  EXPECT_TRUE(run.until([&] { return run.closed() == 1; }));
}

TEST(Session, AnswersLimitsWithTheirStatus) {
  limits allowed;
  allowed.max_request_line = 64;
  allowed.max_header_bytes = 256;
  allowed.max_body = 10;
  running_loop run{allowed};
  run.web.any("/ping", pong);
  const auto status = [&](const std::string& bytes) {
    return run.whole_answer(bytes).substr(9, 3);
  };
  EXPECT_EQ(status("GET /" + std::string(64, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n"), "414");
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(256, 'a') + "\r\n\r\n"), "431");
  EXPECT_EQ(status("POST /ping HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n"), "413");
  EXPECT_EQ(status("POST /nowhere HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n"), "413");
  EXPECT_EQ(status("POST /ping HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "6\r\n123456\r\n5\r\n12345\r\n0\r\n\r\n"),
            "413");
  EXPECT_EQ(status("GET /ping HTTP/3.0\r\nHost: h\r\n\r\n"), "505");
}

TEST(Session, SaysNothingToTheBrokenPrefaceOfAnotherProtocol) {
  running_loop run;
  run.web.get("/ping", pong);
  EXPECT_EQ(run.whole_answer("INVALID CONNECTION PREFACE\r\n\r\n"), "");
  EXPECT_EQ(run.whole_answer("GET ping now\r\n\r\n"), "");
  EXPECT_EQ(run.whole_answer("GET /ping now\r\n\r\n").substr(9, 3), "400");
}

TEST(Session, TellsTheLastOfItsRequests) {
  limits allowed;
  allowed.max_requests_per_connection = 2;
  running_loop run{allowed};
  run.web.get("/ping", pong);
  const auto text =
      run.whole_answer(std::string{get_ping} + std::string{get_ping} + std::string{get_ping});
  EXPECT_EQ(count_of("pong", text), 2U);
  EXPECT_EQ(count_of("Connection: close", text), 1U);
}

TEST(Session, AnswersAHandlerThatThrowsWith500AndLogsIt) {
  running_loop run;
  run.web.get("/throws", [](const request&) -> response { throw std::runtime_error{"oh no"}; });
  run.web.get("/ping", pong);
  auto by = run.connect();
  by.send("GET /throws HTTP/1.1\r\nHost: h\r\n\r\n");
  by.send(get_ping);
  ASSERT_TRUE(run.until_received(by, "pong"));
  EXPECT_TRUE(by.received().starts_with("HTTP/1.1 500 Internal Server Error\r\n"));
  ASSERT_EQ(run.errors.size(), 1U);
  EXPECT_NE(run.errors[0].find("/throws threw: oh no"), std::string::npos) << run.errors[0];
}

TEST(Session, CutsOffAClientThatDribblesItsHeader) {
  limits allowed;
  allowed.header_timeout = milliseconds{200};
  allowed.max_header_bytes = std::size_t{1} << 26;
  running_loop run{allowed};
  auto by = run.connect();
  const auto begun = std::chrono::steady_clock::now();
  by.send("GET / HTTP/1.1\r\nHost: h\r\n");
  ASSERT_TRUE(run.until([&] {
    by.send_some("X");  // each would renew a deadline that is counted from the last byte
    by.receive();
    return by.ended();
  }));
  EXPECT_TRUE(by.received().starts_with("HTTP/1.1 408 Request Timeout\r\n")) << by.received();
  EXPECT_GE(std::chrono::steady_clock::now() - begun, milliseconds{200});
  EXPECT_LT(std::chrono::steady_clock::now() - begun, milliseconds{2000});
  EXPECT_EQ(run.loop().count().deadlines.get(), 1U);
}

TEST(Session, ClosesQuietlyWhenNothingComesAtAll) {
  limits allowed;
  allowed.header_timeout = milliseconds{100};
  running_loop run{allowed};
  auto by = run.connect();
  ASSERT_TRUE(run.until_ended(by));
  EXPECT_EQ(by.received(), "");
}

TEST(Session, ClosesAnIdleConnectionAfterItsTime) {
  limits allowed;
  allowed.idle_timeout = milliseconds{100};
  allowed.linger_timeout = milliseconds{100};
  running_loop run{allowed};
  run.web.get("/ping", pong);
  auto by = run.connect();
  by.send(get_ping);
  ASSERT_TRUE(run.until_received(by, "pong"));
  ASSERT_TRUE(run.until_ended(by));
  // The client does not close its side: the service waits no longer than linger_timeout.
  EXPECT_TRUE(run.until([&] { return run.closed() == 1; }));
}

TEST(Session, GivesUpOnABodyThatDoesNotCome) {
  limits allowed;
  allowed.body_timeout = milliseconds{100};
  running_loop run{allowed};
  run.web.post("/ping", pong);
  EXPECT_TRUE(run.whole_answer("POST /ping HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhel")
                  .starts_with("HTTP/1.1 408 "));
}

TEST(Session, CutsAClientThatDoesNotTakeItsAnswer) {
  limits allowed;
  allowed.write_timeout = milliseconds{100};
  running_loop run{allowed};
  const auto large = std::make_shared<const std::string>(8 << 20, 'x');
  run.web.get("/large", [&](const request&) { return response::bytes(large); });
  auto by = run.connect();
  by.send("GET /large HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(run.until([&] { return run.closed() == 1; }));
}

TEST(Session, SendsALargeBodyAsFastAsTheClientTakesItAndThenGoesOn) {
  running_loop run;
  std::string content(5 << 20, ' ');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>('a' + i % 23);
  const auto large = std::make_shared<const std::string>(content);
  run.web.get("/large", [&](const request&) { return response::bytes(large); });
  run.web.get("/ping", pong);
  auto by = run.connect();
  by.send("GET /large HTTP/1.1\r\nHost: h\r\n\r\n");
  by.send(get_ping);
  by.send(get_ping_last);
  run.settle();
  EXPECT_EQ(run.loop().count().requests.get(), 1U);  // the others wait: bounded
  ASSERT_TRUE(run.until_ended(by));
  EXPECT_EQ(run.loop().count().requests.get(), 3U);
  EXPECT_NE(by.received().find(content), std::string::npos);
  EXPECT_EQ(count_of("pong", by.received().substr(5 << 20)), 2U);
  EXPECT_EQ(large.use_count(), 1);
}

TEST(Session, ForgetsAClientThatLeavesInTheMiddleOfARequest) {
  running_loop run;
  run.web.post("/ping", pong);
  for (const auto* bytes :
       {"", "GET /pi", "POST /ping HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhe"}) {
    auto by = run.connect();
    by.send(bytes);
    run.settle();
    by.close();
  }
  EXPECT_TRUE(run.until([&] { return run.closed() == 3; }));
  EXPECT_EQ(run.loop().count().requests.get(), 0U);
  EXPECT_EQ(run.loop().poller().watched(), 0U);
}

TEST(Session, AnswersAClientThatHasClosedItsOwnSide) {
  running_loop run;
  run.web.get("/ping", pong);
  auto by = run.connect();
  by.send(get_ping);
  by.half_close();
  ASSERT_TRUE(run.until_ended(by));
  EXPECT_EQ(body_of(by.received()), "pong");
}

TEST(Session, LeavesNoDescriptorBehind) {
  const auto before = running_loop::open_descriptors();
  {
    running_loop run;
    run.web.get("/ping", pong);
    auto served = run.connect_with(get_ping_last);
    auto idle = run.connect();
    auto busy = run.connect_with("GET /pi");
    run.settle();
  }
  EXPECT_EQ(running_loop::open_descriptors(), before);
}

}  // namespace
}  // namespace baton::http::test

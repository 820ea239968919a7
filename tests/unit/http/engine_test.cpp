#include <gtest/gtest.h>

#include "engine_events.hpp"

namespace baton::http::test {
namespace {

constexpr std::string_view pipelined =
    "\r\nGET /a?x=1 HTTP/1.1\r\nHost: one\r\nAccept:  text/html \t\r\nEmpty:\r\n\r\n"
    "POST /b HTTP/1.1\r\nHost: two\r\nContent-Length: 5\r\n\r\nhello"
    "PUT /c HTTP/1.1\r\nHost: three\r\nTransfer-Encoding: chunked\r\nTrailer: Sum\r\n\r\n"
    "4\r\nwiki\r\n5;name=value;other=\"quo ted\"\r\npedia\r\n0\r\nSum: 42\r\nMore: yes\r\n\r\n"
    "OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n"
    "GET http://four:81/d?q HTTP/1.1\r\nHost: ignored\r\nConnection: keep-alive, close\r\n\r\n"
    "HEAD /e HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"
    "DELETE /f HTTP/1.1\r\nHost: [::1]:80\r\nExpect: 100-Continue\r\nContent-Length: 0\r\n\r\n";

constexpr std::string_view pipelined_events =
    "GET /a?x=1 11 stays\n  path /a query x=1 host one\n  Host=one\n  Accept=text/html\n  Empty=\n"
    "body \n"
    "POST /b 11 stays\n  path /b query  host two\n  Host=two\n  Content-Length=5\n"
    "body hello\n"
    "PUT /c 11 stays\n  path /c query  host three\n  Host=three\n  Transfer-Encoding=chunked\n"
    "  Trailer=Sum\n"
    "body wikipedia\n  trailer Sum=42\n  trailer More=yes\n"
    "OPTIONS * 11 stays\n  path * query  host \n  Host=\n"
    "body \n"
    "GET http://four:81/d?q 11 leaves\n  path /d query q host four:81\n  Host=ignored\n"
    "  Connection=keep-alive, close\n"
    "body \n"
    "HEAD /e 10 stays\n  path /e query  host \n  Connection=Keep-Alive\n"
    "body \n"
    "DELETE /f 11 stays expects\n  path /f query  host [::1]:80\n  Host=[::1]:80\n"
    "  Expect=100-Continue\n  Content-Length=0\n"
    "body \n";

TEST(Http1Engine, ReportsPipelinedRequestsInOrder) {
  EXPECT_EQ(event_log::whole(pipelined), pipelined_events);
}

TEST(Http1Engine, ReportsTheSameByteByByte) {
  EXPECT_EQ(event_log::byte_by_byte(pipelined), pipelined_events);
}

TEST(Http1Engine, ReportsTheSameHoweverTheBytesAreSplitInTwo) {
  for (std::size_t at = 0; at <= pipelined.size(); ++at)
    ASSERT_EQ(event_log::split(pipelined, at), pipelined_events) << "split before byte " << at;
}

TEST(Http1Engine, HoldsNothingAfterEmptyLinesOnly) {
  engine::http1 engine{event_log::defaults()};
  engine.begin();
  request into;
  std::string_view input = "\r\n\r\n";
  EXPECT_EQ(engine.next(input, into), engine::event::need_more);
  EXPECT_TRUE(engine.untouched());
  input = "G";
  EXPECT_EQ(engine.next(input, into), engine::event::need_more);
  EXPECT_FALSE(engine.untouched());
}

TEST(Http1Engine, LeavesAbsoluteFormWithoutAPathAtTheRoot) {
  const auto text = event_log::whole("GET http://h?q=1 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_NE(text.find("path / query q=1 host h"), std::string::npos) << text;
}

TEST(Http1Engine, RequestLineLimitIsExact) {
  limits allowed;
  allowed.max_request_line = 32;
  const auto line = [](std::size_t size) {
    return "GET /" + std::string(size - 14, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n";
  };
  EXPECT_EQ(refusal_of(line(32), allowed), 0U);
  EXPECT_EQ(refusal_of(line(33), allowed), 414U);
  EXPECT_EQ(refusal_of(std::string(33, 'A'), allowed), 414U);
  EXPECT_EQ(refusal_of(std::string(32, 'A'), allowed), 0U);
}

TEST(Http1Engine, HeaderLimitIsExact) {
  limits allowed;
  allowed.max_header_bytes = 100;
  const auto head = [](std::size_t size) {
    const std::string front = "GET / HTTP/1.1\r\nHost: h\r\nFill: ";
    return front + std::string(size - front.size() - 4, 'f') + "\r\n\r\n";
  };
  EXPECT_EQ(refusal_of(head(100), allowed), 0U);
  EXPECT_EQ(refusal_of(head(101), allowed), 431U);
}

TEST(Http1Engine, FieldCountLimitIsExact) {
  limits allowed;
  allowed.max_header_count = 3;
  const std::string head = "GET / HTTP/1.1\r\nHost: h\r\nA: 1\r\nB: 2\r\n";
  EXPECT_EQ(refusal_of(head + "\r\n", allowed), 0U);
  EXPECT_EQ(refusal_of(head + "C: 3\r\n\r\n", allowed), 431U);
}

TEST(Http1Engine, TrailersHaveTheHeadersLimits) {
  limits allowed;
  allowed.max_header_count = 2;
  const std::string head =
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: 1\r\nB: 2\r\n";
  EXPECT_EQ(refusal_of(head + "\r\n", allowed), 0U);
  EXPECT_EQ(refusal_of(head + "C: 3\r\n\r\n", allowed), 431U);
}

TEST(Http1Engine, BodyLimitHoldsForBothFramings) {
  limits allowed;
  allowed.max_body = 5;
  const std::string length = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ";
  EXPECT_EQ(refusal_of(length + "5\r\n\r\n12345", allowed), 0U);
  EXPECT_EQ(refusal_of(length + "6\r\n\r\n123456", allowed), 413U);
  const std::string chunked = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(refusal_of(chunked + "2\r\n12\r\n3\r\n345\r\n0\r\n\r\n", allowed), 0U);
  EXPECT_EQ(refusal_of(chunked + "2\r\n12\r\n4\r\n3456\r\n0\r\n\r\n", allowed), 413U);
}

TEST(Http1Engine, LooksForControlBytesAtEveryPosition) {
  for (std::size_t size = 0; size < 40; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (const char control : {'\0', '\x1f', '\x7f', '\n', '\t'}) {
        std::string text(size, '\x80');
        text[at] = control;
        ASSERT_EQ(engine::find_control(text.data(), text.data() + size), text.data() + at);
      }
    }
    const std::string clean(size, '~');
    ASSERT_EQ(engine::find_control(clean.data(), clean.data() + size), clean.data() + size);
  }
}

}  // namespace
}  // namespace baton::http::test

#include <gtest/gtest.h>

#include <stdexcept>
#include <type_traits>

#include "baton/http/message.hpp"
#include "http/request_builder.hpp"
#include "http/response_writer.hpp"

namespace baton::http::test {
namespace {

std::string wire(const response& answer, ending how = ending::length,
                 persistence connection = persistence::silent) {
  output_buffer out;
  response_writer::head(out, answer, "DATE", how, connection);
  return std::string{out.view()};
}

TEST(Response, CarriesStatusTypeAndExactLength) {
  EXPECT_EQ(wire(response::text("hello")),
            "HTTP/1.1 200 OK\r\nDate: DATE\r\nContent-Type: text/plain; charset=utf-8\r\n"
            "Content-Length: 5\r\n\r\n");
  EXPECT_EQ(wire(response{404}),
            "HTTP/1.1 404 Not Found\r\nDate: DATE\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(
      wire(response{299}, ending::chunked, persistence::close),
      "HTTP/1.1 299 \r\nDate: DATE\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(wire(response{204}, ending::none, persistence::keep_alive),
            "HTTP/1.1 204 No Content\r\nDate: DATE\r\nConnection: keep-alive\r\n\r\n");
}

TEST(Response, SetReplacesAndAddAdds) {
  auto answer = response::json("{}");
  answer.add("Set-Cookie", "a=1").add("Vary", "x").add("set-cookie", "b=2");
  answer.set("SET-COOKIE", "c=3").set("Content-Type", "text/x-own");
  EXPECT_EQ(wire(answer),
            "HTTP/1.1 200 OK\r\nDate: DATE\r\nVary: x\r\nSET-COOKIE: c=3\r\n"
            "Content-Type: text/x-own\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(answer.header("vary"), "x");
  EXPECT_EQ(answer.header("content-type"), "text/x-own");
  EXPECT_EQ(answer.header("missing"), "");
}

TEST(Response, KeepsADateOfTheHandlersOwn) {
  response answer;
  answer.set("Date", "mine");
  EXPECT_EQ(wire(answer), "HTTP/1.1 200 OK\r\nDate: mine\r\nContent-Length: 0\r\n\r\n");
}

TEST(Response, LetsNothingInjectFields) {
  response answer;
  for (const std::string_view value :
       {std::string_view{"a\r\nB: c"}, std::string_view{"a\nb"}, std::string_view{"a\rb"},
        std::string_view{"a\0b", 3}, std::string_view{" a"}, std::string_view{"a\x7f"}}) {
    EXPECT_THROW(answer.set("X", value), std::invalid_argument);
    EXPECT_THROW(answer.add("X", value), std::invalid_argument);
    EXPECT_THROW(response::view("", value), std::invalid_argument);
  }
  for (const auto* name : {"", "A B", "A:", "A\r\n", "\xc3\xa4"})
    EXPECT_THROW(answer.set(name, "v"), std::invalid_argument) << name;
  EXPECT_EQ(wire(answer), wire(response{}));
}

TEST(Response, LeavesTheFramingToTheService) {
  response answer;
  EXPECT_THROW(answer.set("content-length", "5"), std::invalid_argument);
  EXPECT_THROW(answer.add("Transfer-Encoding", "chunked"), std::invalid_argument);
  EXPECT_THROW(answer.set("Connection", "upgrade"), std::invalid_argument);
  EXPECT_FALSE(answer.closes());
  answer.set("Connection", "Close");
  EXPECT_TRUE(answer.closes());
  EXPECT_THROW(answer.status(100), std::invalid_argument);
  EXPECT_THROW(answer.status(600), std::invalid_argument);
}

TEST(Response, SharesOrBorrowsItsBody) {
  const auto shared = std::make_shared<const std::string>("shared");
  EXPECT_EQ(response::bytes(shared).body().data(), shared->data());
  static constexpr std::string_view literal = "literal";
  EXPECT_EQ(response::view(literal).body().data(), literal.data());
  EXPECT_EQ(response::bytes(std::string{"own"}, "image/png").header("content-type"), "image/png");
}

TEST(Request, DecodesQueryAndPercent) {
  EXPECT_EQ(percent_decode("/a%20b%2Fc"), "/a b/c");
  EXPECT_EQ(percent_decode("a+b"), "a+b");
  EXPECT_EQ(percent_decode("%4"), std::nullopt);
  EXPECT_EQ(percent_decode("%zz"), std::nullopt);
  request asked;
  const std::string_view line = "/p?a=1&b=x+y%21&c&a=2&%64=e&=f";
  request_builder builder{asked};
  builder.head(line.data(), line.size());
  builder.path(line.substr(0, 2), line.substr(3));
  EXPECT_EQ(asked.query_param("a"), "1");
  EXPECT_EQ(asked.query_param("b"), "x y!");
  EXPECT_EQ(asked.query_param("c"), "");
  EXPECT_EQ(asked.query_param("d"), "e");
  EXPECT_EQ(asked.query_param(""), "f");
  EXPECT_EQ(asked.query_param("z"), std::nullopt);
}

TEST(Response, TakesNoTrailerThatFramesTheMessageOrIsMalformed) {
  response answer;
  for (const auto* name :
       {"Content-Length", "Transfer-Encoding", "Connection", "Trailer", "te", "a b"})
    EXPECT_THROW(answer.trailer(name, "x"), std::invalid_argument) << name;
  EXPECT_THROW(answer.trailer("Sum", "1\r\n2"), std::invalid_argument);
  EXPECT_NO_THROW(answer.trailer("Sum", "1"));
}

TEST(Response, KeepsTrailersApartFromFields) {
  auto answer = response::text("x");
  answer.add("A", "1").trailer("A", "trailer").add("B", "2").trailer("B", "trailer").set("A", "3");
  answer.set("B", "4").add("A", "5");
  EXPECT_EQ(response_writer::field_lines(answer), "A: 3\r\nB: 4\r\nA: 5\r\n");
  EXPECT_EQ(response_writer::own_trailers(answer), "A: trailer\r\nB: trailer\r\n");
  EXPECT_EQ(answer.header("A"), "3");
  EXPECT_EQ(response{}.trailer("A", "1").header("A"), "");
}

TEST(Response, HasReadyTrailersBeforeItsOwn) {
  auto answer = response::text("x");
  std::string storage;
  EXPECT_FALSE(response_writer::has_trailers(answer));
  EXPECT_EQ(response_writer::take_trailers(answer, storage), "");
  constexpr std::string_view ready = "Grpc-Status: 0\r\n";
  response_writer::ready_trailers(answer, ready);
  EXPECT_TRUE(response_writer::has_trailers(answer));
  EXPECT_EQ(response_writer::take_trailers(answer, storage).data(), ready.data()) << "no copy";
  answer.add("A", "1").trailer("B", "2");
  EXPECT_EQ(response_writer::take_trailers(answer, storage), "Grpc-Status: 0\r\nB: 2\r\n");
  EXPECT_EQ(response_writer::field_lines(answer), "A: 1\r\n");
}

TEST(Response, CanBeUsedAgainBehindAMove) {
  auto answer = response::text("x").add("A", "1").trailer("B", "2");
  const auto moved = std::move(answer);
  EXPECT_FALSE(response_writer::has_trailers(answer));
  answer.trailer("C", "3").add("D", "4");
  EXPECT_EQ(response_writer::field_lines(answer), "D: 4\r\n");
  EXPECT_EQ(response_writer::own_trailers(answer), "C: 3\r\n");
  EXPECT_EQ(response_writer::field_lines(moved), "A: 1\r\n");
}

}  // namespace
}  // namespace baton::http::test

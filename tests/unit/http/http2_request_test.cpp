// What an HTTP/2 request looks like to a handler, and that pieces make no difference.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http2_client.hpp"

namespace baton::http::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct pair : ::testing::Test {
  pair() {
    client.settings();
    server.answer_all();
  }
  http2_client client;
  http2_server server;
};
using Http2Request = pair;

TEST_F(Http2Request, FillsTheRequestIn) {
  server.on_head = [](server_stream& of) {
    EXPECT_EQ(of.asked.version(), 20U);
    EXPECT_EQ(of.asked.method(), method::get);
    EXPECT_EQ(of.asked.target(), "/a/b?x=1&y");
    EXPECT_EQ(of.asked.path(), "/a/b");
    EXPECT_EQ(of.asked.query(), "x=1&y");
    EXPECT_EQ(of.asked.host(), "h");
    EXPECT_EQ(of.asked.header("Host"), "h");
    EXPECT_EQ(of.asked.header("Accept"), "1");
    EXPECT_EQ(of.asked.query_param("x"), "1");
    EXPECT_TRUE(of.complete());
    EXPECT_EQ(of.content_length(), std::nullopt);
    EXPECT_FALSE(of.expects_continue());
  };
  client.get("/a/b?x=1&y", {{"accept", "1"}, {"accept", "2"}, {"empty", ""}});
  ASSERT_TRUE(client.talk(server));
  EXPECT_THAT(server.log, HasSubstr("  accept=1\n  accept=2\n  empty=\n"));
}

TEST_F(Http2Request, JoinsCookiesThatCameInCrumbs) {
  client.get("/", {{"cookie", "a=1"}, {"x", "y"}, {"cookie", "b=2"}, {"cookie", "c=3"}});
  ASSERT_TRUE(client.talk(server));
  EXPECT_THAT(server.log, HasSubstr("  host=h\n  cookie=a=1; b=2; c=3\n  x=y\nend"));
}

TEST_F(Http2Request, TakesHostWhereAuthorityIsMissing) {
  client.request({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {"host", "example"}});
  ASSERT_TRUE(client.talk(server));
  EXPECT_THAT(server.log, HasSubstr("host example\n  host=example\n"));
}

TEST_F(Http2Request, TakesHostThatSaysTheSameAsAuthority) {
  client.get("/", {{"host", "H"}});
  client.get("/", {{"host", "h:80"}});
  client.request({{":method", "GET"},
                  {":scheme", "https"},
                  {":path", "/"},
                  {":authority", "h"},
                  {"host", "h:443"}});
  ASSERT_TRUE(client.talk(server));
  for (const auto& [id, got] : client.answers) EXPECT_EQ(got.status(), "200") << id;
  EXPECT_THAT(server.log, Not(HasSubstr("host=h\n  host")));
}

TEST_F(Http2Request, TakesAsteriskForOptions) {
  auto options = wire::get("*");
  options[0].second = "OPTIONS";
  client.request(options);
  ASSERT_TRUE(client.talk(server));
  EXPECT_THAT(server.log, HasSubstr("head 1 OPTIONS * host h\n"));
}

TEST_F(Http2Request, RefusesWhatItDoesNotServe) {
  const auto with_method = [](std::string method) {
    auto list = wire::get();
    list[0].second = std::move(method);
    return list;
  };
  client.request(with_method("BREW"));
  client.request(with_method("get"));
  client.request({{":method", "CONNECT"}, {":authority", "h:443"}});
  client.get("/", {{"expect", "miracles"}});
  client.get("/" + std::string(8 * 1024, 'p'));
  ASSERT_TRUE(client.talk(server));
  EXPECT_EQ(client.answers[1].status(), "501");
  EXPECT_EQ(client.answers[3].status(), "501");
  EXPECT_EQ(client.answers[5].status(), "501");
  EXPECT_EQ(client.answers[7].status(), "417");
  EXPECT_EQ(client.answers[9].status(), "414");
  EXPECT_THAT(server.log, Not(HasSubstr("head")));
}

std::string conversation() {
  http2_client client;
  client.settings();
  client.get("/one?a=b", {{"cookie", "a"}, {"cookie", "b"}});
  http2_client::upload first{.bytes = std::string(20'000, '1'), .trailers = {{"sum", "42"}}};
  client.request(wire::post({{"content-length", "20000"}}), &first);
  http2_client::upload second{.bytes = "two", .trailers = {}};
  client.request(wire::post(), &second);
  client.get("/big", {{"fill", std::string(40'000, 'f')}});
  auto bytes = client.send();
  // What nghttp2's client would not send.
  bytes += wire::request(101, wire::get("/padded"), wire::end_stream | wire::end_headers);
  bytes += wire::request(103, wire::post(), wire::end_headers);
  bytes += wire::frame(wire::data, wire::padded, 103, std::string{"\3abc\0\0\0", 7});
  bytes += wire::frame(wire::data, wire::end_stream, 103);
  const auto fields = wire::block(wire::get("/continued"));
  bytes += wire::frame(wire::headers, wire::end_stream, 105, fields.substr(0, 10));
  bytes += wire::frame(wire::continuation, 0, 105, fields.substr(10, 7));
  bytes += wire::frame(wire::continuation, wire::end_headers, 105, fields.substr(17));
  bytes += wire::frame(wire::priority, 0, 105, wire::word(103) + "\x10");
  bytes += wire::frame(0xfe, 0xff, 7, "unknown");
  bytes += wire::request(107, wire::get("/", {{"Upper", "case"}}));
  bytes += wire::request(109, wire::get("/last"));
  return bytes;
}

std::string events(std::string_view bytes, std::size_t step, std::size_t first = 0) {
  http2_server server;
  server.answer_all();
  if (first != 0) server.feed(bytes.substr(0, first));
  for (auto at = first; at < bytes.size(); at += step) server.feed(bytes.substr(at, step));
  server.collect();
  return server.log;
}

TEST(Http2RequestInPieces, ReportsTheSameByteByByte) {
  const auto bytes = conversation();
  const auto whole = events(bytes, bytes.size());
  EXPECT_THAT(whole, HasSubstr("end 3 1111"));
  EXPECT_THAT(whole, HasSubstr("  trailer sum=42\n"));
  EXPECT_THAT(whole, HasSubstr("end 103 abc\n"));
  EXPECT_THAT(whole, HasSubstr("GET /continued"));
  EXPECT_THAT(whole, HasSubstr("GET /last"));
  EXPECT_THAT(whole, HasSubstr("closed 107 1\n"));
  for (const std::size_t step : {1, 2, 3, 5, 7, 64, 1000})
    EXPECT_EQ(events(bytes, step), whole) << "in steps of " << step;
}

TEST(Http2RequestInPieces, ReportsTheSameHoweverTheEndIsSplitInTwo) {
  const auto bytes = conversation();
  const auto whole = events(bytes, bytes.size());
  for (std::size_t at = bytes.size() - 500; at < bytes.size(); ++at)
    ASSERT_EQ(events(bytes, bytes.size(), at), whole) << "split before byte " << at;
}

}  // namespace
}  // namespace baton::http::test

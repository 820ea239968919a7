#include "ondemand/proxy/forwarding.hpp"

#include <gtest/gtest.h>

#include "../received_request.hpp"
#include "http/client/answer_parser.hpp"
#include "ondemand/proxy/proxy_failure.hpp"

namespace baton::ondemand::test {
namespace {

struct received : received_request {
  using received_request::received_request;

  [[nodiscard]] std::string forwarded(const forward_options& how = {}) const {
    std::string to;
    write_request_head(to, request, how, request_framing::of(request, has_body));
    return to;
  }
};

const forward_options plain{.forwarded = false, .x_forwarded = false};

std::string with(std::string_view fields) {
  return std::string{"GET / HTTP/1.1\r\nHost: h\r\n"}.append(fields).append("\r\n");
}

TEST(Forwarding, KeepsWhatIsMeantForTheOrigin) {
  EXPECT_EQ(received{with("Accept: */*\r\nCookie: a=b\r\nCookie: c=d\r\n")}.forwarded(plain),
            "GET / HTTP/1.1\r\nHost: h\r\nAccept: */*\r\nCookie: a=b\r\nCookie: c=d\r\n\r\n");
}

TEST(Forwarding, LeavesOutWhatIsOfTheClientsConnection) {
  EXPECT_EQ(received{with("connection: Keep-Alive, x-own ,, X-OTHER\r\nKEEP-ALIVE: 5\r\n"
                          "X-Own: 1\r\nx-other: 2\r\nProxy-Connection: a\r\nTE: gzip\r\n"
                          "HTTP2-Settings: x\r\nUpgrade: h2c\r\nX-Kept: 3\r\n")}
                .forwarded(plain),
            "GET / HTTP/1.1\r\nHost: h\r\nX-Kept: 3\r\n\r\n");
}

TEST(Forwarding, AConnectionFieldCannotTakeTheHostAway) {
  EXPECT_EQ(received{with("Connection: Host, X-Forwarded-For\r\n")}.forwarded(),
            "GET / HTTP/1.1\r\nHost: h\r\nForwarded: for=192.0.2.7;host=h;proto=http\r\n"
            "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\n"
            "X-Forwarded-Port: 80\r\n\r\n");
}

TEST(Forwarding, PassesTheWishForTrailersOn) {
  EXPECT_EQ(received{with("TE: deflate, trailers;q=1\r\nConnection: TE\r\n")}.forwarded(plain),
            "GET / HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nConnection: TE\r\n\r\n");
}

TEST(Forwarding, TellsTheEndOfTheBody) {
  const auto post = [](std::string_view fields) {
    return std::string{"POST / HTTP/1.1\r\nHost: h\r\n"}.append(fields).append("\r\n");
  };
  EXPECT_EQ(received{post("Content-Length: 12\r\nExpect: 100-continue\r\n")}.forwarded(plain),
            "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 12\r\n\r\n");
  EXPECT_EQ(received{post("Transfer-Encoding: chunked\r\n")}.forwarded(plain),
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(received{post("Content-Length: 0\r\n")}.forwarded(plain),
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(received{post("Expect: 100-continue\r\n")}.forwarded(plain),
            "POST / HTTP/1.1\r\nHost: h\r\n\r\n");
}

TEST(Forwarding, NamesThePeerByItsKind) {
  const auto line = [](std::string_view peer) {
    const auto text = received{with(""), peer}.forwarded({.x_forwarded = false});
    const auto at = text.find("Forwarded: ");
    return text.substr(at, text.find("\r\n", at) - at);
  };
  EXPECT_EQ(line("[2001:db8::1]:80"), "Forwarded: for=\"[2001:db8::1]\";host=h;proto=http");
  EXPECT_EQ(line("255.255.255.255:80"), "Forwarded: for=255.255.255.255;host=h;proto=http");
  EXPECT_EQ(line("@nobody"), "Forwarded: for=unknown;host=h;proto=http");
}

TEST(Forwarding, BelievesOnlyWhomItTrusts) {
  const auto told = with(
      "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Proto: https\r\n"
      "X-Forwarded-Port: 8443\r\nX-Forwarded-Server: s\r\n");
  const forward_options how{.trusted = {net::network::parse("192.0.2.0/24")}, .forwarded = false};
  EXPECT_EQ(received{told}.forwarded(how),
            "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-Server: s\r\n"
            "X-Forwarded-For: 10.0.0.1, 192.0.2.7\r\nX-Forwarded-Proto: https\r\n"
            "X-Forwarded-Host: h\r\nX-Forwarded-Port: 8443\r\n\r\n");
  EXPECT_EQ((received{told, "198.51.100.1:1"}.forwarded(how)),
            "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-Server: s\r\n"
            "X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-Proto: http\r\n"
            "X-Forwarded-Host: h\r\nX-Forwarded-Port: 80\r\n\r\n");
}

TEST(Forwarding, ChangesPrefixesBySegments) {
  const auto target = [](std::string_view asked, forward_options how) {
    how.forwarded = how.x_forwarded = false;
    const auto text =
        received{"GET " + std::string{asked} + " HTTP/1.1\r\nHost: h\r\n\r\n"}.forwarded(how);
    return text.substr(4, text.find(" HTTP/1.1") - 4);
  };
  EXPECT_EQ(target("/a/b?c", {.strip_prefix = "/a"}), "/b?c");
  EXPECT_EQ(target("/a", {.strip_prefix = "/a/"}), "/");
  EXPECT_EQ(target("/ab", {.strip_prefix = "/a"}), "/ab");
  EXPECT_EQ(target("/a%2Fb", {.strip_prefix = "/a"}), "/a%2Fb");
  EXPECT_EQ(target("/x", {.add_prefix = "/v1"}), "/v1/x");
  EXPECT_EQ(target("/a/x", {.strip_prefix = "/a", .add_prefix = "/b/"}), "/b/x");
  EXPECT_EQ(target("http://h/a/x?q", {.strip_prefix = "/a"}), "/x?q");
  EXPECT_EQ(target("http://h?q", {}), "/?q");
}

TEST(Forwarding, LeavesTheAsteriskOfOptionsAlone) {
  EXPECT_EQ(received{"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"}.forwarded(
                {.add_prefix = "/v1", .forwarded = false, .x_forwarded = false}),
            "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n");
}

TEST(Forwarding, RewritesTheHostAndAddsVia) {
  EXPECT_EQ(received{with("Via: 1.0 fred\r\n")}.forwarded(
                {.host = "inner:81", .forwarded = false, .x_forwarded = false, .via = "us"}),
            "GET / HTTP/1.1\r\nHost: inner:81\r\nVia: 1.0 fred\r\nVia: 1.1 us\r\n\r\n");
}

TEST(Forwarding, TheAnswersOwnConnectionStaysBehind) {
  http::client::answer_parser parser;
  http::client::answer answer;
  parser.begin({});
  std::string_view bytes =
      "HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nConnection: X-Own\r\nX-Own:1\r\nX-Kept:  2 \r\n"
      "Content-Length: 0\r\nSet-Cookie: b\r\n\r\n";
  ASSERT_EQ(parser.next(bytes, answer), http::client::answer_event::head);
  std::string to;
  write_answer_fields(to, answer);
  EXPECT_EQ(to, "Set-Cookie: a\r\nX-Kept: 2\r\nSet-Cookie: b\r\n");
}

TEST(Forwarding, KnowsWhatMayBeRepeated) {
  using http::method;
  for (const auto each :
       {method::get, method::head, method::put, method::del, method::options, method::trace})
    EXPECT_TRUE(idempotent(each));
  for (const auto each : {method::post, method::patch, method::connect, method::unknown})
    EXPECT_FALSE(idempotent(each));
}

TEST(ProxyFailure, IsToldInJson) {
  const auto answer = answer_for(proxy_failure::head_timed_out, "a \"b\"\n");
  EXPECT_EQ(answer.status(), 504U);
  EXPECT_EQ(answer.body(),
            "{\"error\":\"head_timed_out\",\"status\":504,\"message\":\"a \\\"b\\\"\\n\"}\n");
  EXPECT_EQ(status_of(proxy_failure::upstream_busy), 503U);
  EXPECT_EQ(status_of(proxy_failure::connect_refused), 502U);
  EXPECT_EQ(to_string(proxy_failure::none), "none");
}

}  // namespace
}  // namespace baton::ondemand::test

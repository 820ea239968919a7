#include "admin/access.hpp"

#include <gtest/gtest.h>

#include <string>

#include "baton/base/error.hpp"

namespace baton::admin {
namespace {

using http::method;

const std::string secret = "0123456789abcdef0123456789abcdef";

net::address peer(const std::string& host) {
  return net::address::parse(host.find(':') == std::string::npos ? host + ":40000"
                                                                 : "[" + host + "]:40000");
}

unsigned status(const access& guard, const visitor& who) {
  const auto refused = guard.refuses(who);
  return refused ? refused->status : 200;
}

std::string refusal_text(const options& wanted) {
  try {
    const access made{wanted};
    return "accepted";
  } catch (const setup_error& error) {
    return error.what();
  }
}

TEST(Access, AddressesThatAnybodyReachesNeedATokenOrNetworks) {
  for (const auto* open : {"0.0.0.0:9900", "*:9900", "[::]:9900", "192.0.2.7:9900", ":9900"}) {
    EXPECT_NE(refusal_text({.address = open}).find(open), std::string::npos) << open;
    EXPECT_EQ(refusal_text({.address = open, .token = secret}), "accepted") << open;
    EXPECT_EQ(refusal_text({.address = open, .allowed = {"10.0.0.0/8"}}), "accepted") << open;
  }
  for (const auto* closed : {"127.0.0.1:9900", "127.8.9.1:0", "[::1]:9900", "localhost:9900",
                             "/run/admin.sock", "@admin"})
    EXPECT_EQ(refusal_text({.address = closed}), "accepted") << closed;
}

TEST(Access, OptionsThatMakeNoSenseAreNamed) {
  EXPECT_NE(refusal_text({.token = "short"}).find("5 characters"), std::string::npos);
  EXPECT_EQ(refusal_text({.token = "short"}).find("short"), std::string::npos) << "a secret";
  EXPECT_NE(refusal_text({.token = "0123456789 abcdef"}).find("space"), std::string::npos);
  EXPECT_NE(refusal_text({.allowed = {"10.0.0.0/99"}}).find("10.0.0.0/99"), std::string::npos);
  EXPECT_NE(refusal_text({.hosts = {"http://here"}}).find("http://here"), std::string::npos);
}

TEST(Access, WithATokenOnlyTheRightOneIsAnswered) {
  const access guard{{.token = secret}};
  const auto from = peer("127.0.0.1");
  const auto with = [&](std::string_view field) {
    return status(guard, {.peer = from, .host = "localhost", .authorization = field});
  };
  EXPECT_EQ(with("Bearer " + secret), 200U);
  EXPECT_EQ(with("bearer " + secret), 200U);
  EXPECT_EQ(with(""), 401U);
  EXPECT_EQ(with(secret), 401U);
  EXPECT_EQ(with("Basic " + secret), 401U);
  EXPECT_EQ(with("Bearer "), 401U);
  EXPECT_EQ(with("Bearer " + secret + "0"), 401U);
  EXPECT_EQ(with("Bearer " + secret.substr(1)), 401U);
  const auto first = guard.refuses({.peer = from});
  EXPECT_EQ(first->challenge, "Bearer realm=\"baton admin\"");
  const auto wrong = guard.refuses({.peer = from, .authorization = "Bearer wrong"});
  EXPECT_NE(wrong->challenge.find("invalid_token"), std::string::npos);
  EXPECT_EQ(wrong->reason.find("wrong"), std::string::npos);
}

TEST(Access, ThePageThatAsksForTheTokenNeedsNone) {
  const access guard{{.allowed = {"127.0.0.0/8"}}};
  const access with_token{{.token = secret, .allowed = {"127.0.0.0/8"}}};
  const auto near = peer("127.0.0.1");
  const auto far = peer("192.0.2.7");
  EXPECT_EQ(status(with_token, {.peer = near, .bare_page = true}), 200U);
  EXPECT_EQ(status(with_token, {.peer = far, .bare_page = true}), 403U);
  EXPECT_EQ(status(guard, {.peer = near}), 200U);
}

TEST(Access, OnlyThePeersOwnAddressCounts) {
  const access guard{{.address = "0.0.0.0:9900", .allowed = {"10.0.0.0/8", "2001:db8::/32"}}};
  EXPECT_EQ(status(guard, {.peer = peer("10.1.2.3"), .host = "10.1.2.4:9900"}), 200U);
  EXPECT_EQ(status(guard, {.peer = peer("2001:db8::7"), .host = "[2001:db8::1]:9900"}), 200U);
  EXPECT_EQ(status(guard, {.peer = peer("11.1.2.3"), .host = "10.1.2.4:9900"}), 403U);
  EXPECT_EQ(status(guard, {.peer = peer("127.0.0.1"), .host = "127.0.0.1:9900"}), 403U);
  EXPECT_EQ(status(guard, {.peer = net::address::parse("/run/x.sock")}), 403U);
}

TEST(Access, WithoutATokenABrowserNeedsANameThatNobodyElseGivesOut) {
  const access guard{{.hosts = {"admin.example.net"}}};
  const auto from = peer("127.0.0.1");
  for (const auto* good :
       {"localhost", "localhost:9900", "LOCALHOST:9900", "app.localhost:1", "127.0.0.1:9900",
        "[::1]:9900", "admin.example.net", "10.0.0.1", "Admin.Example.Net:9900", ""})
    EXPECT_EQ(status(guard, {.peer = from, .host = good}), 200U) << good;
  for (const auto* bad : {"evil.example.net:9900", "localhost.example.net", "notlocalhost", "[::1",
                          "127.0.0.1.example.net", "admin.example.net.evil.org"})
    EXPECT_EQ(status(guard, {.peer = from, .host = bad}), 403U) << bad;
  // No browser comes through a unix socket, and a token is nothing a rebound page knows.
  EXPECT_EQ(status(guard, {.peer = net::address::parse("/run/x.sock"), .host = "any"}), 200U);
  EXPECT_EQ(status(access{{.token = secret}},
                   {.peer = from, .host = "any", .authorization = "Bearer " + secret}),
            200U);
}

TEST(Access, NothingIsChangedForAPageOfAnotherSite) {
  const access guard{options{}};
  const auto from = peer("127.0.0.1");
  const auto post = [&](std::string_view site, std::string_view origin) {
    return status(guard, {.peer = from,
                          .method = method::post,
                          .host = "127.0.0.1:9900",
                          .origin = origin,
                          .fetch_site = site});
  };
  EXPECT_EQ(post("same-origin", "http://127.0.0.1:9900"), 200U);
  EXPECT_EQ(post("none", ""), 200U);
  EXPECT_EQ(post("same-site", "http://127.0.0.1:8080"), 403U) << "another port is another origin";
  EXPECT_EQ(post("cross-site", "http://evil.example"), 403U);
  EXPECT_EQ(post("nonsense", ""), 403U);
  // Browsers without Fetch Metadata say their origin.
  EXPECT_EQ(post("", "http://127.0.0.1:9900"), 200U);
  EXPECT_EQ(post("", "http://127.0.0.1:8080"), 403U);
  EXPECT_EQ(post("", "null"), 403U);
  EXPECT_EQ(post("", ""), 200U) << "no browser";
  EXPECT_EQ(status(guard, {.peer = from, .host = "127.0.0.1", .fetch_site = "cross-site"}), 200U)
      << "reading changes nothing, and the other page cannot read the answer";
}

}  // namespace
}  // namespace baton::admin

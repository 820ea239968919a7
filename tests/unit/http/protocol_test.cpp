// Listeners for one protocol each: what the list makes, and what it refuses.
#include "baton/http/protocol.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "baton/base/error.hpp"
#include "http/kept_for.hpp"

namespace baton::http::test {
namespace {

using net::listener_options;
using std::string;
using testing::HasSubstr;

const net::tls_options with_tls{.certificates = {{.certificate = "c.pem", .key = "k.pem"}}};

string complaint(const listener_options& first, const std::vector<protocol>& protocols) {
  try {
    (void)consecutive(first, protocols);
    return "";
  } catch (const setup_error& error) {
    return error.what();
  }
}

TEST(Protocols, AreReadAsTheyAreWritten) {
  for (const auto each :
       {protocol::http, protocol::https, protocol::http2, protocol::ws, protocol::wss})
    EXPECT_EQ(parse_protocol(to_string(each)), each);
  EXPECT_THROW((void)parse_protocol("HTTP"), setup_error);
  EXPECT_THROW((void)parse_protocol(""), setup_error);
}

TEST(Protocols, TakeConsecutivePortsInTheirOrder) {
  const auto made = consecutive(
      {.address = "127.0.0.1:3000", .max_connections = 7, .tls = with_tls},
      std::vector{protocol::wss, protocol::http, protocol::http2, protocol::https, protocol::ws});
  ASSERT_EQ(made.size(), 5U);
  const char* const names[] = {"wss", "http", "http2", "https", "ws"};
  for (std::size_t i = 0; i < made.size(); ++i) {
    EXPECT_EQ(made[i].address, "127.0.0.1:" + std::to_string(3000 + i));
    EXPECT_EQ(made[i].protocol, names[i]);
    EXPECT_EQ(made[i].name, names[i]);
    EXPECT_EQ(made[i].max_connections, 7U);
    EXPECT_EQ(made[i].tls.has_value(), needs_tls(parse_protocol(names[i]))) << names[i];
  }
  EXPECT_EQ(made[2].tls->alpn, std::vector<string>{"h2"});
}

TEST(Protocols, AreNamedBehindTheListOfThem) {
  const auto made =
      consecutive({.address = "[::1]:0", .name = "api"}, std::vector{protocol::http, protocol::ws});
  EXPECT_EQ(made[0].name, "api.http");
  EXPECT_EQ(made[1].name, "api.ws");
  EXPECT_EQ(made[1].address, "[::1]:0");
}

TEST(Protocols, NameWhatIsWrongWithTheList) {
  const listener_options first{.address = "127.0.0.1:3000", .tls = with_tls};
  EXPECT_THAT(complaint(first, {}), HasSubstr("no protocol is given"));
  EXPECT_THAT(complaint(first, {protocol::ws, protocol::http, protocol::ws}),
              HasSubstr("the protocol ws is listed twice"));
  EXPECT_THAT(complaint({.address = "/run/x.sock"}, {protocol::http}),
              HasSubstr("/run/x.sock has no ports that could follow each other"));
  EXPECT_EQ(complaint({.address = "*:65535"}, {protocol::http}), "");
  EXPECT_EQ(complaint({.address = "*:65535"}, {protocol::http, protocol::ws}),
            "2 protocols need the ports 65535 to 65536, and the highest is 65535; begin lower");
  EXPECT_THAT(complaint({.address = "127.0.0.1:3000"}, {protocol::http, protocol::wss}),
              HasSubstr("the listener 127.0.0.1:3001 is for wss, which needs a certificate"));
}

TEST(Protocols, AListenerForOneMustFitIt) {
  EXPECT_NO_THROW(check_kept_for({.address = "*:0"}));
  EXPECT_NO_THROW(check_kept_for({.address = "*:0", .tls = with_tls}));
  EXPECT_NO_THROW(check_kept_for({.address = "*:0", .protocol = "ws"}));
  EXPECT_THROW(check_kept_for({.address = "*:0", .tls = with_tls, .protocol = "ws"}), setup_error);
  EXPECT_THROW(check_kept_for({.address = "*:0", .protocol = "https"}), setup_error);
  EXPECT_THROW(check_kept_for({.address = "*:0", .protocol = "smtp"}), setup_error);
}

}  // namespace
}  // namespace baton::http::test

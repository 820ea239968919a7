#include "baton/net/network.hpp"

#include <gmock/gmock.h>

#include "support.hpp"

namespace baton::net {
namespace {

using test::setup_error_of;
using ::testing::AllOf;
using ::testing::HasSubstr;

bool contains(const char* range, const char* peer) {
  return network::parse(range).contains(address::parse(peer));
}

TEST(Network, ContainsThePeersOfItsPrefix) {
  EXPECT_TRUE(contains("10.0.0.0/8", "10.255.1.2:80"));
  EXPECT_FALSE(contains("10.0.0.0/8", "11.0.0.1:80"));
  EXPECT_TRUE(contains("192.168.4.0/22", "192.168.7.255:1"));
  EXPECT_FALSE(contains("192.168.4.0/22", "192.168.8.0:1"));
  EXPECT_TRUE(contains("192.0.2.7", "192.0.2.7:5"));
  EXPECT_FALSE(contains("192.0.2.7", "192.0.2.6:5"));
  EXPECT_TRUE(contains("0.0.0.0/0", "203.0.113.9:5"));
  EXPECT_FALSE(contains("0.0.0.0/0", "[::1]:5"));
  EXPECT_TRUE(contains("::1", "[::1]:5"));
  EXPECT_TRUE(contains("2001:db8::/33", "[2001:db8:7fff::1]:5"));
  EXPECT_FALSE(contains("2001:db8::/33", "[2001:db8:8000::1]:5"));
  EXPECT_TRUE(contains("::/0", "[2001:db8::1]:5"));
  EXPECT_FALSE(contains("::/0", "10.0.0.1:5"));
  EXPECT_TRUE(contains("unix", "unix:/run/x.sock"));
  EXPECT_FALSE(contains("unix", "127.0.0.1:5"));
  EXPECT_FALSE(network::parse("0.0.0.0/0").contains(address{}));
}

TEST(Network, AMappedPeerIsAnIpv4Peer) {
  sockaddr_in6 mapped{};
  mapped.sin6_family = AF_INET6;
  mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xFF;
  mapped.sin6_addr.s6_addr[12] = 10;
  const auto peer = address::from(reinterpret_cast<sockaddr*>(&mapped), sizeof mapped);
  EXPECT_TRUE(network::parse("10.0.0.0/8").contains(peer));
}

TEST(Network, WhatIsNoneIsRefusedByName) {
  for (const char* text : {"", "example.org", "10.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1",
                           "10.0.0.0/8x", "::/129", "[::1]", "10.0.0.0/8/8", "unix:/run/x"}) {
    EXPECT_THAT(setup_error_of([text] { static_cast<void>(network::parse(text)); }),
                AllOf(HasSubstr('"' + std::string{text} + '"'), HasSubstr("write 10.0.0.0/8")))
        << text;
  }
  EXPECT_THAT(setup_error_of([] { static_cast<void>(network::parse("10.0.0.1/8")); }),
              HasSubstr("bits set behind its prefix"));
}

}  // namespace
}  // namespace baton::net

#include "baton/net/address.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>

#include <cstring>

#include "support.hpp"

namespace baton::net {
namespace {

using test::setup_error_of;
using ::testing::HasSubstr;
using family = address::family;

struct written {
  const char* text;
  family kind;
  const char* host;
  int port;
  const char* canonical;
};

class AddressSyntax : public ::testing::TestWithParam<written> {};

TEST_P(AddressSyntax, IsReadAndWrittenBack) {
  const auto& want = GetParam();
  const auto got = address::parse(want.text);
  EXPECT_EQ(got.kind(), want.kind);
  EXPECT_EQ(got.host(), want.host);
  EXPECT_EQ(got.port(), want.port);
  EXPECT_EQ(got.to_string(), want.canonical);
  EXPECT_EQ(address::parse(got.to_string()), got);
  EXPECT_EQ(got.data()->sa_family, got.domain());
}

INSTANTIATE_TEST_SUITE_P(
    Table, AddressSyntax,
    ::testing::Values(
        written{"127.0.0.1:8080", family::ipv4, "127.0.0.1", 8080, "127.0.0.1:8080"},
        written{"0.0.0.0:0", family::ipv4, "0.0.0.0", 0, "0.0.0.0:0"},
        written{"localhost:65535", family::ipv4, "127.0.0.1", 65535, "127.0.0.1:65535"},
        written{"[::1]:8080", family::ipv6, "::1", 8080, "[::1]:8080"},
        written{"[::]:1", family::ipv6, "::", 1, "[::]:1"},
        written{"*:8080", family::dual, "*", 8080, "*:8080"},
        written{":8080", family::dual, "*", 8080, "*:8080"},
        written{"unix:/run/x.sock", family::unix_path, "/run/x.sock", 0, "unix:/run/x.sock"},
        written{"/run/x.sock", family::unix_path, "/run/x.sock", 0, "unix:/run/x.sock"},
        written{"unix:relative", family::unix_path, "relative", 0, "unix:relative"},
        written{"@name", family::unix_abstract, "@name", 0, "@name"},
        written{"unix:@name", family::unix_abstract, "@name", 0, "@name"}));

class RefusedAddress : public ::testing::TestWithParam<const char*> {};

TEST_P(RefusedAddress, IsNamedInTheError) {
  const auto error = setup_error_of([] { (void)address::parse(GetParam()); });
  EXPECT_THAT(error, HasSubstr('"' + std::string{GetParam()} + '"'));
  EXPECT_THAT(error, HasSubstr("127.0.0.1:8080")) << "says what is allowed";
}

INSTANTIATE_TEST_SUITE_P(Table, RefusedAddress,
                         ::testing::Values("", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x",
                                           "127.0.0.1:-1", "127.0.0.1:65536", "127.0.0.1:80 ",
                                           "127.0.0:1:80", "::1:80", "[::1:80", "[::1]80",
                                           "[nonsense]:80", "[]:80", "example.org:80",
                                           "256.0.0.1:80", "unix:", "@", "unix:@",
                                           "127.0.0.1:99999999999999999999"));

TEST(Address, RefusesAUnixPathTheKernelCannotHold) {
  const std::string longest = '/' + std::string(106, 'x');
  EXPECT_EQ(address::parse(longest).host(), longest);
  EXPECT_THAT(setup_error_of([&] { (void)address::parse(longest + 'x'); }), HasSubstr("107"));
  const std::string name = '@' + std::string(107, 'x');
  EXPECT_EQ(address::parse(name).host(), name);
  EXPECT_THAT(setup_error_of([&] { (void)address::parse(name + 'x'); }), HasSubstr("107"));
}

TEST(Address, RefusesANulInAUnixName) {
  EXPECT_NE(setup_error_of([] { (void)address::parse(std::string_view{"@a\0b", 4}); }), "");
}

TEST(Address, ShowsAnIpv4PeerBehindIpv6AsIpv4) {
  sockaddr_in6 raw{};
  raw.sin6_family = AF_INET6;
  raw.sin6_port = htons(99);
  ASSERT_EQ(::inet_pton(AF_INET6, "::ffff:192.0.2.7", &raw.sin6_addr), 1);
  const auto made = address::from(reinterpret_cast<sockaddr*>(&raw), sizeof raw);
  EXPECT_EQ(made, address::parse("192.0.2.7:99"));
  EXPECT_EQ(made.size(), sizeof(sockaddr_in));
}

TEST(Address, FromTooLittleIsNone) {
  sockaddr_in raw{};
  raw.sin_family = AF_INET;
  EXPECT_EQ(address::from(reinterpret_cast<sockaddr*>(&raw), 1).kind(), family::none);
  EXPECT_EQ(address::from(reinterpret_cast<sockaddr*>(&raw), 4).kind(), family::none);
  EXPECT_EQ(address::from(nullptr, 0).kind(), family::none);
  raw.sin_family = 250;
  EXPECT_EQ(address::from(reinterpret_cast<sockaddr*>(&raw), sizeof raw).kind(), family::none);
}

TEST(Address, ReadsEveryKindAsTheKernelWritesIt) {
  for (const char* text : {"127.0.0.1:0", "[::1]:0", "*:0", "@baton-address-test"}) {
    const auto want = address::parse(text);
    const unique_fd fd{::socket(want.domain(), SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const int off = 0;
    if (want.kind() == family::dual) {
      ASSERT_EQ(::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off), 0);
    } else if (want.kind() == family::ipv6) {
      const int on = 1;
      ASSERT_EQ(::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on), 0);
    }
    ASSERT_EQ(::bind(fd.get(), want.data(), want.size()), 0) << text;
    const auto got = address::local(fd.get());
    ASSERT_TRUE(got) << text;
    EXPECT_TRUE(got->matches(want)) << got->to_string();
    EXPECT_EQ(*got == want, want.is_unix()) << "the kernel chose a port";
  }
}

TEST(Address, OfAnUnnamedUnixPeerIsEmpty) {
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  const unique_fd left{pair[0]};
  const unique_fd right{pair[1]};
  const auto peer = address::peer(left.get());
  ASSERT_TRUE(peer);
  EXPECT_TRUE(peer->is_unix());
  EXPECT_EQ(peer->host(), "");
  EXPECT_EQ(address::local(-1).error().value(), EBADF);
  EXPECT_EQ(address::peer(-1).error().value(), EBADF);
}

TEST(Address, CopiesAreEqualAndIndependent) {
  auto path = address::parse("/run/one.sock");
  const auto copy = path;
  path = address::parse("@two");
  EXPECT_EQ(copy.host(), "/run/one.sock");
  auto moved = std::move(path);
  EXPECT_EQ(moved.host(), "@two");
  moved = copy;
  EXPECT_EQ(moved, copy);
  EXPECT_NE(moved, address::parse("/run/two.sock"));
  EXPECT_NE(address::parse("@x"), address::parse("unix:x"));
}

TEST(Address, PortZeroMatchesAnyPortButNoOtherHostOrFamily) {
  const auto bound = address::parse("127.0.0.1:4711");
  EXPECT_TRUE(bound.matches(address::parse("127.0.0.1:0")));
  EXPECT_TRUE(bound.matches(bound));
  EXPECT_FALSE(bound.matches(address::parse("127.0.0.1:4712")));
  EXPECT_FALSE(bound.matches(address::parse("127.0.0.2:0")));
  EXPECT_FALSE(address::parse("*:1").matches(address::parse("[::]:0")));
  EXPECT_TRUE(address::parse("[::1]:1").matches(address::parse("[::1]:0")));
  EXPECT_FALSE(address::parse("[::1]:1").matches(address::parse("[::2]:0")));
}

TEST(Address, IsSmallBecauseEveryConnectionHoldsOne) { EXPECT_LE(sizeof(address), 40U); }

}  // namespace
}  // namespace baton::net

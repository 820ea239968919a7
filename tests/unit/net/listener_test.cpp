#include "baton/net/listener.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>

#include "support.hpp"

namespace baton::net {
namespace {

using test::connect_to;
using test::log_lines;
using test::setup_error_of;
using ::testing::AllOf;
using ::testing::HasSubstr;

int option_of(int fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  EXPECT_EQ(::getsockopt(fd, level, name, &value, &size), 0);
  return value;
}

/// A descriptor as a stranger would hand it over: blocking, inheritable.
unique_fd plain_socket(const char* text, int type, bool listening) {
  const auto at = address::parse(text);
  unique_fd made{::socket(at.domain(), type, 0)};
  EXPECT_EQ(::bind(made.get(), at.data(), at.size()), 0);
  if (listening) {
    EXPECT_EQ(::listen(made.get(), 16), 0);
  }
  return made;
}

class Listener : public test::no_descriptor_leaks {
 protected:
  gate process{"process", 100};
};

TEST_F(Listener, BindsAndKnowsItsRealPort) {
  auto door = listener::bind({.address = "127.0.0.1:0"}, process);
  EXPECT_NE(door.local().port(), 0);
  EXPECT_EQ(door.name(), "127.0.0.1:0");
  EXPECT_FALSE(door.inherited());
  EXPECT_TRUE(connect_to(door.local()));
  EXPECT_NE(::fcntl(door.fd(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(door.fd(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_EQ(option_of(door.fd(), SOL_SOCKET, SO_REUSEADDR), 1);
  EXPECT_EQ(option_of(door.fd(), SOL_SOCKET, SO_REUSEPORT), 0);
  EXPECT_EQ(option_of(door.fd(), SOL_SOCKET, SO_ACCEPTCONN), 1);
}

TEST_F(Listener, AcceptedSocketsInheritNoDelay) {
  auto door = listener::bind({.address = "127.0.0.1:0"}, process);
  const auto client = connect_to(door.local());
  const unique_fd served{::accept4(door.fd(), nullptr, nullptr, SOCK_CLOEXEC)};
  ASSERT_TRUE(served);
  EXPECT_EQ(option_of(served.get(), IPPROTO_TCP, TCP_NODELAY), 1);
}

TEST_F(Listener, Ipv6IsNeverIpv4BehindItsBack) {
  auto door = listener::bind({.address = "[::]:0"}, process);
  EXPECT_EQ(option_of(door.fd(), IPPROTO_IPV6, IPV6_V6ONLY), 1);
  const auto port = std::to_string(door.local().port());
  EXPECT_TRUE(connect_to(address::parse("[::1]:" + port)));
  EXPECT_FALSE(connect_to(address::parse("127.0.0.1:" + port)));
}

TEST_F(Listener, TheStarTakesBothFamilies) {
  auto door = listener::bind({.address = "*:0"}, process);
  EXPECT_EQ(door.local().kind(), address::family::dual);
  const auto port = std::to_string(door.local().port());
  EXPECT_TRUE(connect_to(address::parse("[::1]:" + port)));
  EXPECT_TRUE(connect_to(address::parse("127.0.0.1:" + port)));
}

TEST_F(Listener, SaysWhoHoldsThePort) {
  auto door = listener::bind({.address = "127.0.0.1:0"}, process);
  const auto taken = door.local().to_string();
  EXPECT_THAT(setup_error_of([&] { (void)listener::bind({.address = taken}, process); }),
              AllOf(HasSubstr(taken), HasSubstr("EADDRINUSE"), HasSubstr("another port")));
}

TEST_F(Listener, SaysThatAnAddressIsNotOfThisMachine) {
  EXPECT_THAT(setup_error_of([&] { (void)listener::bind({.address = "192.0.2.1:0"}, process); }),
              AllOf(HasSubstr("192.0.2.1:0"), HasSubstr("EADDRNOTAVAIL"), HasSubstr("0.0.0.0")));
}

TEST_F(Listener, RefusesACapOfZeroAndABacklogOfZero) {
  EXPECT_THAT(
      setup_error_of(
          [&] { (void)listener::bind({.address = "127.0.0.1:0", .max_connections = 0}, process); }),
      AllOf(HasSubstr("max_connections"), HasSubstr("127.0.0.1:0"), HasSubstr("at least 1")));
  EXPECT_THAT(setup_error_of(
                  [&] { (void)listener::bind({.address = "127.0.0.1:0", .backlog = 0}, process); }),
              AllOf(HasSubstr("backlog"), HasSubstr("at least 1")));
}

TEST_F(Listener, ClampsTheCapToTheDescriptorLimitAndSaysBothNumbers) {
  const log_lines notices{log_level::notice};
  auto door = listener::bind({.address = "127.0.0.1:0", .max_connections = 1'000'000'000}, process);
  EXPECT_LT(door.gate().capacity(), descriptor_limit());
  EXPECT_THAT(notices.joined(),
              AllOf(HasSubstr("1000000000"), HasSubstr(std::to_string(door.gate().capacity())),
                    HasSubstr(std::to_string(descriptor_limit()))));
}

TEST_F(Listener, ClampsTheBacklogWithANotice) {
  const log_lines notices{log_level::notice};
  auto door = listener::bind(
      {.address = "127.0.0.1:0", .backlog = 2'000'000'000, .max_connections = 1}, process);
  EXPECT_THAT(notices.joined(), AllOf(HasSubstr("2000000000"), HasSubstr("somaxconn")));
}

TEST_F(Listener, ItsGateHasTheProcessAsParent) {
  auto door =
      listener::bind({.address = "127.0.0.1:0", .name = "web", .max_connections = 5}, process);
  EXPECT_EQ(door.gate().name(), "web");
  const auto one = door.gate().try_acquire();
  EXPECT_EQ(process.in_use(), 1U);
}

TEST_F(Listener, AnAbstractNameIsBound) {
  const auto name = "@baton-listener-test-" + std::to_string(::getpid());
  auto door = listener::bind({.address = name}, process);
  EXPECT_TRUE(connect_to(address::parse(name)));
  EXPECT_THAT(setup_error_of([&] { (void)listener::bind({.address = name}, process); }),
              AllOf(HasSubstr(name), HasSubstr("EADDRINUSE")));
  door.unlink_path();
}

TEST_F(Listener, AdoptsWhatWasHandedDown) {
  auto fd = plain_socket("127.0.0.1:0", SOCK_STREAM, true);
  const auto at = address::local(fd.get());
  const int number = fd.get();
  auto door = listener::adopt({.address = "127.0.0.1:0", .name = "web"}, std::move(fd), process);
  EXPECT_TRUE(door.inherited());
  EXPECT_EQ(door.fd(), number);
  EXPECT_EQ(door.local(), *at);
  EXPECT_EQ(door.name(), "web");
  EXPECT_NE(::fcntl(number, F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(number, F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_EQ(option_of(number, IPPROTO_TCP, TCP_NODELAY), 1);
}

TEST_F(Listener, AdoptionKeepsTheClientsThatWait) {
  auto fd = plain_socket("127.0.0.1:0", SOCK_STREAM, true);
  const auto at = address::local(fd.get());
  const auto client = connect_to(*at);
  ASSERT_TRUE(client);
  auto door = listener::adopt({.address = at->to_string()}, std::move(fd), process);
  EXPECT_TRUE(unique_fd{::accept4(door.fd(), nullptr, nullptr, SOCK_CLOEXEC)});
}

// F17
TEST_F(Listener, RefusesByNameWhatIsNotTheListenerAskedFor) {
  const auto refusal = [&](const char* wanted, unique_fd fd) {
    return setup_error_of(
        [&] { (void)listener::adopt({.address = wanted, .name = "web"}, std::move(fd), process); });
  };
  EXPECT_THAT(refusal("127.0.0.1:0", plain_socket("127.0.0.1:0", SOCK_DGRAM, false)),
              AllOf(HasSubstr("web"), HasSubstr("UDP")));
  EXPECT_THAT(refusal("127.0.0.1:0", plain_socket("127.0.0.1:0", SOCK_STREAM, false)),
              HasSubstr("is not listening"));
  EXPECT_THAT(refusal("[::1]:0", plain_socket("127.0.0.1:0", SOCK_STREAM, true)),
              HasSubstr("address family"));
  EXPECT_THAT(refusal("127.0.0.1:1", plain_socket("127.0.0.1:0", SOCK_STREAM, true)),
              HasSubstr("listens on 127.0.0.1:"));
  EXPECT_THAT(refusal("127.0.0.2:0", plain_socket("127.0.0.1:0", SOCK_STREAM, true)),
              HasSubstr("listens on 127.0.0.1:"));
  EXPECT_THAT(refusal("127.0.0.1:0", unique_fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)}),
              HasSubstr("is not a socket"));
  EXPECT_THAT(refusal("127.0.0.1:0", unique_fd{}), HasSubstr("is not an open descriptor"));
  EXPECT_EQ(process.in_use(), 0U);
}

TEST_F(Listener, TheSoftDescriptorLimitCanBeRaisedToTheHardOne) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit lower = before;
  lower.rlim_cur = 100;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &lower), 0);
  EXPECT_EQ(descriptor_limit(), 100U);
  EXPECT_EQ(raise_descriptor_limit(), before.rlim_max);
  EXPECT_EQ(descriptor_limit(), before.rlim_max);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace baton::net

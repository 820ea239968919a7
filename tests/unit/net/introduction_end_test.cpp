#include <gmock/gmock.h>
#include <sys/socket.h>

#include "introduction_fixture.hpp"

namespace baton::net {
namespace {

using test::log_lines;
using test::run_until;
using test::tls_client;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class IntroductionEnd : public test::introduction_test {};

// F35
TEST_F(IntroductionEnd, AHandshakeHasADeadline) {
  const log_lines infos{log_level::info};
  auto quick = with_tls();
  quick.handshake_timeout = std::chrono::milliseconds{60};
  open({.address = test::any_port, .tls = quick});
  const auto silent = connect();
  const auto half = connect();
  tls_client client{{.ca = trust.pem()}};
  client.advance();
  test::send_all(half.get(), client.take_output().substr(0, 50));
  ASSERT_TRUE(accepts(2));
  ASSERT_TRUE(run_until(io, [&] { return process.in_use() == 0; })) << "their slots are free";
  EXPECT_EQ(read_to_end(half.get()), "");
  EXPECT_EQ(read_to_end(silent.get()), "");
  EXPECT_EQ(on.count().deadlines.get(), 2U);
  EXPECT_EQ(on.count().tls_failures.get(), 1U);
  EXPECT_THAT(infos.get(), ::testing::ElementsAre(HasSubstr("longer than 60 ms")));
}

TEST_F(IntroductionEnd, AnotherDeadlineIsForNewConnections) {
  const log_lines infos{log_level::info};
  open({.address = test::any_port, .tls = with_tls()});
  const auto before = connect();
  ASSERT_TRUE(accepts(1));
  auto quick = with_tls();
  quick.handshake_timeout = std::chrono::milliseconds{60};
  context->update(quick);
  const auto after = connect();
  test::send_all(after.get(), "\x16\x03\x01");
  ASSERT_TRUE(accepts(2));
  ASSERT_TRUE(run_until(io, [&] { return process.in_use() == 1; }));
  EXPECT_EQ(read_to_end(after.get()), "");
  EXPECT_THAT(infos.get(), ::testing::ElementsAre(HasSubstr("longer than 60 ms")));
  tls_client client{{.ca = trust.pem()}};
  EXPECT_TRUE(shakes_hands(client, before.get())) << "it has its ten seconds";
}

TEST_F(IntroductionEnd, AProxyThatTricklesItsHeaderHasADeadlineToo) {
  open({.address = test::any_port, .proxy_from = {"127.0.0.1"}});
  terms.timeout = std::chrono::milliseconds{60};
  const auto fd = connect();
  test::send_all(fd.get(), "PROXY TCP4 ");
  ASSERT_TRUE(accepts(1));
  ASSERT_TRUE(run_until(io, [&] { return process.in_use() == 0; }));
  EXPECT_EQ(on.count().deadlines.get(), 1U);
}

TEST_F(IntroductionEnd, WhoLeavesBeforeAWordIsNotWorthALine) {
  const log_lines infos{log_level::info};
  open({.address = test::any_port, .tls = with_tls()});
  connect().reset();
  ASSERT_TRUE(accepts(1));
  ASSERT_TRUE(run_until(io, [&] { return process.in_use() == 0; }));
  EXPECT_EQ(on.count().tls_failures.get(), 0U);
  EXPECT_EQ(on.count().closed.get(), 1U);
  EXPECT_THAT(infos.get(), IsEmpty());
}

TEST_F(IntroductionEnd, AFloodDoesNotFillTheLog) {
  const log_lines infos{log_level::info};
  open({.address = test::any_port, .tls = with_tls()});
  constexpr int many = 100;
  for (int i = 0; i < many; ++i) {
    const auto fd = connect();
    test::send_all(fd.get(), "\x01");
  }
  ASSERT_TRUE(run_until(io, [&] { return on.count().tls_failures.get() == many; }));
  EXPECT_EQ(infos.get().size(), log_allowance::lines);
  ASSERT_TRUE(run_until(io, [&] { return process.in_use() == 0; }));
}

TEST_F(IntroductionEnd, AnAllowanceCountsWhatItWithholds) {
  log_allowance allowance;
  const auto now = log_allowance::clock::now();
  for (unsigned i = 0; i < log_allowance::lines; ++i) EXPECT_TRUE(allowance.allows(now));
  EXPECT_FALSE(allowance.allows(now));
  EXPECT_FALSE(allowance.allows(now + log_allowance::period / 2));
  EXPECT_TRUE(allowance.allows(now + log_allowance::period));
  EXPECT_EQ(allowance.take_withheld(), 2U);
  EXPECT_EQ(allowance.take_withheld(), 0U);
}

TEST_F(IntroductionEnd, ADrainClosesTheSilentAndLetsTheOthersFinish) {
  open({.address = test::any_port, .tls = with_tls()});
  const auto silent = connect();
  const auto shaking = connect();
  tls_client client{{.ca = trust.pem()}};
  client.advance();
  const auto hello = client.take_output();
  test::send_all(shaking.get(), hello.substr(0, 20));
  ASSERT_TRUE(accepts(2));
  ASSERT_TRUE(run_until(io, [&] { return arriving->size() == 2; }));
  io.restart();
  io.poll();
  arriving->close_when_idle();
  EXPECT_EQ(arriving->size(), 1U);
  EXPECT_EQ(read_to_end(silent.get()), "");
  test::send_all(shaking.get(), hello.substr(20));
  EXPECT_TRUE(shakes_hands(client, shaking.get()));
}

TEST_F(IntroductionEnd, ADrainServesWhatIsOnItsWayAlready) {
  open({.address = test::any_port, .tls = with_tls()});
  const auto fd = connect();
  ASSERT_TRUE(run_until(io, [&] { return arriving->size() == 1; }));
  tls_client client{{.ca = trust.pem()}};
  client.advance();
  test::send_all(fd.get(), client.take_output());
  arriving->close_when_idle();
  EXPECT_EQ(arriving->size(), 1U);
  EXPECT_TRUE(shakes_hands(client, fd.get()));
}

TEST_F(IntroductionEnd, ADropEndsThemAll) {
  open({.address = test::any_port, .tls = with_tls()});
  const auto silent = connect();
  const auto half = connect();
  test::send_all(half.get(), "\x16\x03\x01");
  ASSERT_TRUE(run_until(io, [&] { return arriving->size() == 2; }));
  arriving->drop(make_error_code(boost::system::errc::operation_canceled));
  EXPECT_EQ(arriving->size(), 0U);
  EXPECT_EQ(on.count().dropped.get(), 2U);
  ASSERT_TRUE(run_until(io, [&] { return process.in_use() == 0; }));
  EXPECT_EQ(on.timers().armed(), 0U);
}

TEST_F(IntroductionEnd, MayEndWhileConnectionsArrive) {
  open({.address = test::any_port, .tls = with_tls()});
  const auto fd = connect();
  test::send_all(fd.get(), "\x16\x03\x01");
  ASSERT_TRUE(run_until(io, [&] { return arriving->size() == 1; }));
  at_the_door.reset();
  arriving.reset();
  ASSERT_TRUE(run_until(io, [&] { return process.in_use() == 0; }));
}

}  // namespace
}  // namespace baton::net

#include "http/client/upstream_pool.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <boost/asio/error.hpp>
#include <filesystem>
#include <memory>

#include "running_pool.hpp"

namespace baton::http::client::test {
namespace {

using namespace std::chrono_literals;

class UpstreamPool : public ::testing::Test {
 protected:
  /// A connection for `user`, opened now; the peer's end of it.
  unique_fd connect(upstream_pool& pool, noting_user& user) {
    const auto asked = pool.ask(user);
    EXPECT_TRUE(asked.has_value());
    EXPECT_EQ(asked.value(), nullptr);
    EXPECT_TRUE(turning.turn_until([&] { return user.connection != nullptr; }));
    return peer.accept();
  }

  turning_loop turning;
  upstream_peer peer;
};

TEST_F(UpstreamPool, OpensAConnectionAndSendsAndReceives) {
  upstream_pool pool{turning.loop, peer.address()};
  noting_user user;
  const auto theirs = connect(pool, user);
  EXPECT_FALSE(user.connection->rested());
  EXPECT_FALSE(user.connection->send("hello"));
  EXPECT_EQ(read_some(theirs.get()), "hello");
  write_all(theirs.get(), "welcome");
  EXPECT_TRUE(turning.turn_until([&] { return user.received == "welcome"; }));
  pool.discard(*user.connection);
  EXPECT_EQ(pool.open(), 0U);
}

TEST_F(UpstreamPool, GivesTheConnectionThatRestedLast) {
  upstream_pool pool{turning.loop, peer.address()};
  noting_user first;
  noting_user second;
  const auto one = connect(pool, first);
  const auto two = connect(pool, second);
  auto* const older = first.connection;
  auto* const newer = second.connection;
  pool.give_back(*older);
  pool.give_back(*newer);
  EXPECT_EQ(pool.resting(), 2U);
  noting_user third;
  const auto taken = pool.ask(third);
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(taken.value(), newer);
  EXPECT_TRUE(newer->rested());
  pool.give_back(*newer);
}

TEST_F(UpstreamPool, NoticesThatARestingConnectionHasEnded) {
  upstream_pool pool{turning.loop, peer.address()};
  noting_user user;
  auto theirs = connect(pool, user);
  pool.give_back(*user.connection);
  theirs.reset();
  EXPECT_TRUE(turning.turn_until([&] { return pool.resting() == 0; }));
  EXPECT_EQ(pool.open(), 0U);
}

TEST_F(UpstreamPool, ClosesARestingConnectionThatSaysSomethingUnasked) {
  upstream_pool pool{turning.loop, peer.address()};
  noting_user user;
  const auto theirs = connect(pool, user);
  pool.give_back(*user.connection);
  write_all(theirs.get(), "HTTP/1.1 408 Request Timeout\r\n\r\n");
  EXPECT_TRUE(turning.turn_until([&] { return pool.open() == 0; }));
  EXPECT_EQ(user.received, "");
}

TEST_F(UpstreamPool, ClosesWhatRestsTooLongAndTooMany) {
  upstream_pool pool{turning.loop, peer.address(), {.max_resting = 1, .rest_timeout = 100ms}};
  noting_user first;
  noting_user second;
  const auto one = connect(pool, first);
  const auto two = connect(pool, second);
  pool.give_back(*first.connection);
  pool.give_back(*second.connection);
  EXPECT_EQ(pool.resting(), 1U);
  EXPECT_TRUE(turning.turn_until([&] { return has_ended(one.get()); }));  // it rested longer
  EXPECT_TRUE(turning.turn_until([&] { return has_ended(two.get()); }));
  EXPECT_EQ(pool.open(), 0U);
}

TEST_F(UpstreamPool, ServesThoseWhoWaitInTheirOrder) {
  upstream_pool pool{turning.loop, peer.address(), {.max_connections = 1, .max_waiting = 2}};
  noting_user first;
  noting_user second;
  noting_user third;
  noting_user fourth;
  const auto theirs = connect(pool, first);
  EXPECT_EQ(pool.ask(second).value(), nullptr);
  EXPECT_EQ(pool.ask(third).value(), nullptr);
  EXPECT_EQ(pool.ask(fourth).error(), boost::asio::error::no_buffer_space);
  EXPECT_EQ(pool.waiting(), 2U);
  auto* const only = first.connection;
  pool.give_back(*only);
  EXPECT_EQ(second.connection, only);
  EXPECT_EQ(third.connection, nullptr);
  pool.give_back(*only);
  EXPECT_EQ(third.connection, only);
  EXPECT_EQ(pool.open(), 1U);
  pool.give_back(*only);
}

TEST_F(UpstreamPool, OpensAnotherConnectionForWhoWaitsWhenOneIsLost) {
  upstream_pool pool{turning.loop, peer.address(), {.max_connections = 1}};
  noting_user first;
  noting_user second;
  const auto theirs = connect(pool, first);
  EXPECT_EQ(pool.ask(second).value(), nullptr);
  pool.discard(*first.connection);
  EXPECT_TRUE(turning.turn_until([&] { return second.connection != nullptr; }));
  pool.discard(*second.connection);
}

TEST_F(UpstreamPool, WhoCancelsIsNotCalled) {
  upstream_pool pool{turning.loop, peer.address(), {.max_connections = 1}};
  noting_user first;
  noting_user second;
  noting_user third;
  const auto theirs = connect(pool, first);
  EXPECT_EQ(pool.ask(second).value(), nullptr);
  EXPECT_EQ(pool.ask(third).value(), nullptr);
  pool.cancel(second);
  pool.cancel(second);
  auto* const only = first.connection;
  pool.give_back(*only);
  EXPECT_EQ(second.connection, nullptr);
  EXPECT_EQ(third.connection, only);
  pool.give_back(*only);
}

TEST_F(UpstreamPool, AConnectionThatNobodyWaitsForAnyMoreRests) {
  upstream_pool pool{turning.loop, peer.address()};
  noting_user user;
  EXPECT_EQ(pool.ask(user).value(), nullptr);
  pool.cancel(user);
  EXPECT_TRUE(turning.turn_until([&] { return pool.resting() == 1; }));
}

TEST_F(UpstreamPool, AFreshConnectionIsOpenedThoughOthersRest) {
  upstream_pool pool{turning.loop, peer.address(), {.max_connections = 1}};
  noting_user user;
  const auto theirs = connect(pool, user);
  pool.give_back(*user.connection);
  noting_user again;
  EXPECT_EQ(pool.ask(again, upstream_pool::wants::fresh).value(), nullptr);
  EXPECT_TRUE(turning.turn_until([&] { return again.connection != nullptr; }));
  EXPECT_FALSE(again.connection->rested());
  EXPECT_EQ(pool.open(), 1U);
  pool.discard(*again.connection);
}

TEST_F(UpstreamPool, TellsThatNobodyListens) {
  const auto gone = peer.address();
  peer.close();
  upstream_pool pool{turning.loop, gone};
  noting_user first;
  noting_user second;
  for (auto* user : {&first, &second}) {
    if (const auto asked = pool.ask(*user); asked.has_error()) user->failed = asked.error();
  }
  for (auto* user : {&first, &second}) {
    EXPECT_TRUE(turning.turn_until([&] { return user->failed.failed(); }));
    EXPECT_EQ(user->failed, boost::asio::error::connection_refused);
  }
  EXPECT_EQ(pool.open(), 0U);
}

TEST_F(UpstreamPool, SpeaksToUnixSocketsAndWaitsForAFullBacklog) {
  const upstream_peer unix_peer{"@baton-upstream-pool-" + std::to_string(::getpid()), 0};
  upstream_pool pool{turning.loop, unix_peer.address()};
  noting_user users[4];
  for (auto& user : users) EXPECT_EQ(pool.ask(user).value(), nullptr);
  std::vector<unique_fd> theirs;
  for (auto& user : users) {
    EXPECT_TRUE(turning.turn_until([&] { return unix_peer.somebody_knocks(); }));
    theirs.push_back(unix_peer.accept());
    EXPECT_TRUE(turning.turn_until([&] { return user.connection != nullptr; }));
  }
  for (auto& user : users) pool.discard(*user.connection);
}

TEST_F(UpstreamPool, TellsThatNoUnixSocketIsThere) {
  upstream_pool pool{turning.loop, net::address::parse("unix:/nowhere/at/all.sock")};
  noting_user user;
  EXPECT_EQ(pool.ask(user).error(), boost::system::errc::no_such_file_or_directory);
  EXPECT_EQ(pool.open(), 0U);
  EXPECT_EQ(pool.waiting(), 0U);
}

TEST_F(UpstreamPool, GivesUpConnectingInTime) {
  const upstream_peer unix_peer{"@baton-upstream-late-" + std::to_string(::getpid()), 0};
  upstream_pool pool{turning.loop, unix_peer.address(), {.connect_timeout = 100ms}};
  noting_user first;
  noting_user second;
  EXPECT_EQ(pool.ask(first).value(), nullptr);
  EXPECT_TRUE(turning.turn_until([&] { return first.connection != nullptr; }));
  EXPECT_EQ(pool.ask(second).value(), nullptr);
  EXPECT_TRUE(turning.turn_until([&] { return second.failed.failed(); }));
  EXPECT_EQ(second.failed, boost::asio::error::timed_out);
  pool.discard(*first.connection);
}

TEST_F(UpstreamPool, KeepsWhatThePeerDoesNotTakeAndTellsWhenItHasGone) {
  upstream_pool pool{turning.loop, peer.address()};
  noting_user user;
  const auto theirs = connect(pool, user);
  const std::string much(std::size_t{16} * 1024 * 1024, 'x');
  EXPECT_FALSE(user.connection->send(much));
  EXPECT_GT(user.connection->unsent(), 0U);
  EXPECT_FALSE(user.connection->send("the end"));
  std::string got;
  EXPECT_TRUE(turning.turn_until([&] {
    char bytes[65536];
    ssize_t size = 0;
    while ((size = ::recv(theirs.get(), bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
      got.append(bytes, static_cast<std::size_t>(size));
    return got.size() == much.size() + 7;
  }));
  EXPECT_TRUE(got.ends_with("xthe end"));
  EXPECT_TRUE(turning.turn_until([&] { return user.sent == 1; }));
  EXPECT_EQ(user.connection->unsent(), 0U);
  pool.discard(*user.connection);
}

TEST_F(UpstreamPool, ReadsNothingWhilePaused) {
  upstream_pool pool{turning.loop, peer.address()};
  noting_user user;
  auto theirs = connect(pool, user);
  user.pauses = true;
  write_all(theirs.get(), "one");
  EXPECT_TRUE(turning.turn_until([&] { return user.received == "one"; }));
  write_all(theirs.get(), "two");
  for (int i = 0; i < 10; ++i) turning.context.poll();
  EXPECT_EQ(user.received, "one");
  // Neither does a reset make it turn for nothing, nor is what came before lost.
  const linger now{1, 0};
  ::setsockopt(theirs.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  theirs.reset();
  for (int i = 0; i < 10; ++i) turning.context.poll();
  turning.context.restart();
  EXPECT_EQ(turning.context.poll(), 0U);
  user.pauses = false;
  user.connection->resume();
  EXPECT_TRUE(turning.turn_until([&] { return user.connection == nullptr; }));
  EXPECT_EQ(user.received, "onetwo");
}

TEST_F(UpstreamPool, TellsTheEndAndItsReason) {
  upstream_pool pool{turning.loop, peer.address()};
  noting_user first;
  auto one = connect(pool, first);
  write_all(one.get(), "bye");
  one.reset();
  EXPECT_TRUE(turning.turn_until([&] { return first.connection == nullptr; }));
  EXPECT_EQ(first.received, "bye");
  EXPECT_EQ(first.ended, boost::asio::error::eof);
  noting_user second;
  auto two = connect(pool, second);
  const linger now{1, 0};
  ::setsockopt(two.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  two.reset();
  EXPECT_TRUE(turning.turn_until([&] { return second.connection == nullptr; }));
  EXPECT_EQ(second.ended, boost::asio::error::connection_reset);
  EXPECT_EQ(pool.open(), 0U);
}

TEST_F(UpstreamPool, EndsItsSideBehindWhatWaits) {
  upstream_pool pool{turning.loop, peer.address()};
  noting_user user;
  const auto theirs = connect(pool, user);
  EXPECT_FALSE(user.connection->send("last"));
  user.connection->end_output();
  EXPECT_EQ(read_some(theirs.get()), "last");
  EXPECT_EQ(read_some(theirs.get()), "");
  write_all(theirs.get(), "still heard");
  EXPECT_TRUE(turning.turn_until([&] { return user.received == "still heard"; }));
  pool.discard(*user.connection);
}

TEST_F(UpstreamPool, LeavesNoDescriptorBehind) {
  const auto descriptors = [] {
    return std::distance(std::filesystem::directory_iterator{"/proc/self/fd"},
                         std::filesystem::directory_iterator{});
  };
  const auto before = descriptors();
  for (int round = 0; round < 100; ++round) {
    upstream_pool pool{turning.loop, peer.address()};
    noting_user lent;
    noting_user rests;
    noting_user waits;
    const auto one = connect(pool, lent);
    const auto two = connect(pool, rests);
    pool.give_back(*rests.connection);
    EXPECT_EQ(pool.ask(waits, upstream_pool::wants::fresh).value(), nullptr);
    pool.cancel(waits);
    pool.discard(*lent.connection);
    while (peer.somebody_knocks()) static_cast<void>(peer.accept());
  }
  EXPECT_TRUE(turning.turn_until([&] { return descriptors() == before; }));
}

}  // namespace
}  // namespace baton::http::client::test

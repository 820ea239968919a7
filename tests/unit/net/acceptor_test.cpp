#include "baton/net/acceptor.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <stdexcept>
#include <thread>
#include <vector>

#include "baton/net/listener.hpp"
#include "baton/net/loop.hpp"
#include "support.hpp"

namespace baton::net {
namespace {

using test::connect_to;
using test::log_lines;
using test::open_descriptors;
using test::run_until;
using ::testing::AllOf;
using ::testing::HasSubstr;

class Acceptor : public test::no_descriptor_leaks {
 protected:
  listener listen(std::size_t cap) {
    return listener::bind({.address = "127.0.0.1:0", .max_connections = cap}, process);
  }
  std::vector<unique_fd> connect(const listener& to, std::size_t count) {
    std::vector<unique_fd> clients;
    for (std::size_t i = 0; i < count; ++i) clients.push_back(connect_to(to.local()));
    return clients;
  }
  accept_handler keep() {
    return [this](accepted connection) { served.push_back(std::move(connection)); };
  }

  gate process{"process", 10'000};
  boost::asio::io_context context{1};
  loop on{context, 0};
  std::vector<accepted> served;
};

TEST_F(Acceptor, GivesConnectionsAsTheServiceWantsThem) {
  auto door = listen(10);
  acceptor at{on, door, keep()};
  EXPECT_FALSE(at.running());
  at.start();
  EXPECT_TRUE(at.running());
  const auto client = connect_to(door.local());
  ASSERT_TRUE(run_until(context, [&] { return served.size() == 1; }));
  const auto& got = served[0];
  EXPECT_EQ(got.peer, *address::local(client.get()));
  EXPECT_EQ(got.from, &door);
  EXPECT_TRUE(got.slot);
  EXPECT_EQ(door.gate().in_use(), 1U);
  EXPECT_NE(::fcntl(got.fd.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(got.fd.get(), F_GETFD) & FD_CLOEXEC, 0);
  int no_delay = 0;
  socklen_t size = sizeof no_delay;
  ASSERT_EQ(::getsockopt(got.fd.get(), IPPROTO_TCP, TCP_NODELAY, &no_delay, &size), 0);
  EXPECT_EQ(no_delay, 1);
  EXPECT_EQ(on.count().accepted.get(), 1U);
  served.clear();
}

TEST_F(Acceptor, AnUnnamedUnixPeerIsAccepted) {
  test::scratch_directory directory;
  auto door = listener::bind({.address = directory / "x.sock"}, process);
  acceptor at{on, door, keep()};
  at.start();
  const auto client = connect_to(door.local());
  ASSERT_TRUE(run_until(context, [&] { return served.size() == 1; }));
  EXPECT_TRUE(served[0].peer.is_unix());
  served.clear();
}

TEST_F(Acceptor, ABurstIsAcceptedToTheLast) {
  auto door = listen(2000);
  acceptor at{on, door, keep()};
  at.start();
  for (std::size_t round = 1; round <= 3; ++round) {
    const auto clients = connect(door, 400);
    ASSERT_TRUE(run_until(context, [&] { return served.size() == 400; })) << served.size();
    EXPECT_EQ(door.gate().in_use(), 400U);
    served.clear();
  }
  EXPECT_EQ(door.gate().in_use(), 0U);
}

TEST_F(Acceptor, AtTheCapClientsWaitAndCostNoDescriptorAndNoWakeUp) {
  auto door = listen(3);
  acceptor at{on, door, keep()};
  at.start();
  const auto before = open_descriptors();
  const auto clients = connect(door, 10);
  ASSERT_TRUE(run_until(context, [&] { return on.count().gate_waits.get() == 1; }));
  EXPECT_EQ(served.size(), 3U);
  EXPECT_EQ(open_descriptors(), before + 10 + 3);
  EXPECT_EQ(on.poller().watched(), 0U) << "not even polled";
  context.poll();
  EXPECT_EQ(context.poll(), 0U) << "nothing to do for the loop";
  for (std::size_t want = 4; want <= 10; ++want) {
    served.erase(served.begin());
    ASSERT_TRUE(run_until(context, [&] { return on.count().accepted.get() == want; }));
    EXPECT_EQ(served.size(), 3U);
  }
  EXPECT_EQ(on.count().gate_waits.get(), 1U);
  served.clear();
  ASSERT_TRUE(run_until(context, [&] { return on.poller().watched() == 1; })) << "polls again";
}

TEST_F(Acceptor, AtTheCapAFreedSlotCostsOneWakeUpAndOneAccept) {
  auto door = listen(1);
  acceptor at{on, door, keep()};
  at.start();
  const auto clients = connect(door, 20);
  ASSERT_TRUE(run_until(context, [&] { return process.in_use() == 1; }));
  context.poll();
  for (std::size_t want = 2; want <= 20; ++want) {
    served.clear();
    EXPECT_EQ(context.poll(), 1U) << "one handler: the wake-up";
    EXPECT_EQ(on.count().accepted.get(), want);
    EXPECT_EQ(on.poller().watched(), 0U);
  }
  served.clear();
}

// F16
TEST_F(Acceptor, AfterStopNothingIsAcceptedUntilStart) {
  auto door = listen(10);
  acceptor at{on, door, keep()};
  at.start();
  at.start();
  at.stop();
  at.stop();
  EXPECT_FALSE(at.running());
  EXPECT_EQ(on.poller().watched(), 0U);
  const auto client = connect_to(door.local());
  context.poll();
  EXPECT_EQ(context.poll(), 0U);
  EXPECT_TRUE(served.empty());
  at.start();
  ASSERT_TRUE(run_until(context, [&] { return served.size() == 1; }));
  served.clear();
}

// F31
TEST_F(Acceptor, StopsAtTheCapToo) {
  auto door = listen(1);
  acceptor at{on, door, keep()};
  at.start();
  const auto clients = connect(door, 3);
  ASSERT_TRUE(run_until(context, [&] { return on.count().gate_waits.get() == 1; }));
  at.stop();
  EXPECT_EQ(door.gate().waiting(), 0U);
  served.clear();
  context.poll();
  EXPECT_TRUE(served.empty());
  at.start();
  ASSERT_TRUE(run_until(context, [&] { return served.size() == 1; }));
  served.clear();
}

TEST_F(Acceptor, AWakeUpOnItsWayToAStoppedOneGoesToAnother) {
  auto left = listen(10);
  auto right = listen(10);
  process.set_capacity(1);
  acceptor at_left{on, left, keep()};
  acceptor at_right{on, right, keep()};
  auto held = process.try_acquire();
  at_left.start();
  at_right.start();
  const auto left_client = connect_to(left.local());
  ASSERT_TRUE(run_until(context, [&] { return process.waiting() == 1; }));
  const auto right_client = connect_to(right.local());
  ASSERT_TRUE(run_until(context, [&] { return process.waiting() == 2; }));
  held.release();  // wakes the left one, which is told to stop before it can act
  at_left.stop();
  ASSERT_TRUE(run_until(context, [&] { return served.size() == 1; }));
  EXPECT_EQ(served[0].from, &right);
  served.clear();
}

TEST_F(Acceptor, WhoIsWokenAndFindsNobodyWakesTheNextListener) {
  auto left = listen(10);
  auto right = listen(10);
  process.set_capacity(1);
  acceptor at_left{on, left, keep()};
  acceptor at_right{on, right, keep()};
  auto held = process.try_acquire();
  at_left.start();
  at_right.start();
  auto left_client = connect_to(left.local());
  ASSERT_TRUE(run_until(context, [&] { return process.waiting() == 1; }));
  const auto right_client = connect_to(right.local());
  ASSERT_TRUE(run_until(context, [&] { return process.waiting() == 2; }));
  // Another process takes the left client.
  const unique_fd stolen{::accept4(left.fd(), nullptr, nullptr, SOCK_CLOEXEC)};
  ASSERT_TRUE(stolen);
  held.release();
  ASSERT_TRUE(run_until(context, [&] { return served.size() == 1; }));
  EXPECT_EQ(served[0].from, &right);
  served.clear();
}

TEST_F(Acceptor, MayBeStoppedAndDestroyedByItsOwnHandler) {
  auto door = listen(10);
  std::unique_ptr<acceptor> at;
  at = std::make_unique<acceptor>(on, door, [&](accepted connection) {
    served.push_back(std::move(connection));
    at.reset();
  });
  at->start();
  const auto clients = connect(door, 3);
  ASSERT_TRUE(run_until(context, [&] { return at == nullptr; }));
  context.poll();
  EXPECT_EQ(served.size(), 1U);
  EXPECT_EQ(on.poller().watched(), 0U);
  served.clear();
}

TEST_F(Acceptor, AHandlerThatThrowsLosesOnlyItsConnection) {
  auto door = listen(10);
  bool thrown = false;
  acceptor at{on, door, [&](accepted connection) {
                if (!std::exchange(thrown, true)) throw std::runtime_error{"a service's"};
                served.push_back(std::move(connection));
              }};
  at.start();
  const auto clients = connect(door, 3);
  EXPECT_THROW(run_until(context, [] { return false; }), std::runtime_error);
  EXPECT_EQ(door.gate().in_use(), 0U);
  ASSERT_TRUE(run_until(context, [&] { return served.size() == 2; }));
  served.clear();
}

TEST_F(Acceptor, AClosedListenerCannotBeStarted) {
  auto door = listen(10);
  door.close();
  acceptor at{on, door, keep()};
  EXPECT_THROW(at.start(), setup_error);
  EXPECT_FALSE(at.running());
}

/// Lowers the soft descriptor limit to what is open now and puts it back at the end.
class no_more_descriptors {
 public:
  no_more_descriptors() {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    // The lowest free number: no new descriptor below it, none allowed from it on.
    const int next = ::fcntl(0, F_DUPFD_CLOEXEC, 0);
    ::close(next);
    rlimit none = before_;
    none.rlim_cur = static_cast<rlim_t>(next);
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  }
  ~no_more_descriptors() { EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before_), 0); }
  no_more_descriptors(const no_more_descriptors&) = delete;
  no_more_descriptors& operator=(const no_more_descriptors&) = delete;

 private:
  rlimit before_{};
};

// F32
TEST_F(Acceptor, OutOfDescriptorsItRestsAndResumesWhenAConnectionEnds) {
  const log_lines errors{log_level::error};
  auto door = listen(100);
  acceptor at{on, door, keep()};
  at.start();
  auto clients = connect(door, 2);
  ASSERT_TRUE(run_until(context, [&] { return served.size() == 2; }));
  auto waiting = connect(door, 1);
  {
    const no_more_descriptors limit;
    ASSERT_TRUE(run_until(context, [&] { return on.count().accept_pauses.get() == 1; }));
    EXPECT_EQ(on.poller().watched(), 0U) << "no busy loop";
    EXPECT_EQ(door.gate().in_use(), 2U) << "no slot is kept while it rests";
    context.poll();
    EXPECT_EQ(context.poll(), 0U);
    const auto start = std::chrono::steady_clock::now();
    served.pop_back();
    ASSERT_TRUE(run_until(context, [&] { return on.count().accepted.get() == 3; }));
    EXPECT_LT(std::chrono::steady_clock::now() - start, acceptor::accept_retry)
        << "woken by the end of the other one, not by the clock";
  }
  ASSERT_TRUE(run_until(context, [&] { return on.poller().watched() == 1; }));
  EXPECT_EQ(errors.get().size(), 1U) << errors.joined();
  EXPECT_THAT(errors.joined(),
              AllOf(HasSubstr("EMFILE"), HasSubstr("ulimit -n"), HasSubstr("LimitNOFILE")));
  EXPECT_EQ(on.count().accept_pauses.get(), 1U);
  served.clear();
}

TEST_F(Acceptor, OutOfDescriptorsItTriesAgainAfterAWhile) {
  const log_lines errors{log_level::error};
  auto door = listen(100);
  acceptor at{on, door, keep()};
  at.start();
  const auto client = connect_to(door.local());
  {
    const no_more_descriptors limit;
    ASSERT_TRUE(run_until(context, [&] { return on.count().accept_errors.get() == 3; }));
  }
  ASSERT_TRUE(run_until(context, [&] { return served.size() == 1; }));
  EXPECT_EQ(errors.get().size(), 1U) << "said once, not at each attempt";
  EXPECT_EQ(on.count().accept_pauses.get(), 1U);
  served.clear();
}

TEST_F(Acceptor, TwoThatRestDoNotWakeEachOther) {
  const log_lines errors{log_level::error};
  auto left = listen(100);
  auto right = listen(100);
  acceptor at_left{on, left, keep()};
  acceptor at_right{on, right, keep()};
  at_left.start();
  at_right.start();
  const auto left_client = connect_to(left.local());
  const auto right_client = connect_to(right.local());
  {
    const no_more_descriptors limit;
    ASSERT_TRUE(run_until(context, [&] { return on.count().accept_pauses.get() == 2; }));
    context.poll();
    EXPECT_EQ(context.poll(), 0U);
    EXPECT_LE(on.count().accept_errors.get(), 4U);
  }
  ASSERT_TRUE(run_until(context, [&] { return served.size() == 2; }));
  served.clear();
}

TEST_F(Acceptor, StopsWhileItRests) {
  const log_lines errors{log_level::error};
  auto door = listen(100);
  acceptor at{on, door, keep()};
  at.start();
  const auto client = connect_to(door.local());
  {
    const no_more_descriptors limit;
    ASSERT_TRUE(run_until(context, [&] { return on.count().accept_pauses.get() == 1; }));
  }
  at.stop();
  EXPECT_EQ(on.timers().armed(), 0U);
  process.try_acquire().release();
  context.poll();
  EXPECT_TRUE(served.empty());
}

/// A loop on a thread of its own that serves each connection by closing it a moment later.
struct serving_thread {
  serving_thread(unsigned index, std::vector<listener>& doors) : on{context, index} {
    for (auto& door : doors) {
      doors_.push_back(std::make_unique<acceptor>(on, door, [this](accepted connection) {
        boost::asio::post(
            context, [this, held = std::make_shared<accepted>(std::move(connection))]() mutable {
              held.reset();
              on.count().closed.add();
            });
      }));
    }
    boost::asio::post(context, [this] {
      for (auto& each : doors_) each->start();
    });
    thread = std::thread{[this] { context.run(); }};
  }
  void stop() {
    boost::asio::post(context, [this] {
      doors_.clear();
      on.close();
    });
    thread.join();
  }

  boost::asio::io_context context{1};
  loop on;
  std::vector<std::unique_ptr<acceptor>> doors_;
  std::thread thread;
};

TEST_F(Acceptor, SeveralThreadsAtTightGatesServeEverybody) {
  process.set_capacity(3);
  std::vector<listener> doors;
  doors.push_back(listen(1));
  doors.push_back(listen(2));
  doors.push_back(listen(100));
  std::vector<std::unique_ptr<serving_thread>> threads;
  for (unsigned i = 0; i < 3; ++i) threads.push_back(std::make_unique<serving_thread>(i, doors));
  constexpr int each = 300;
  std::atomic<int> ended{0};
  std::vector<std::thread> clients;
  for (const auto& door : doors) {
    clients.emplace_back([&ended, to = door.local()] {
      for (int i = 0; i < each; ++i) {
        const auto client = connect_to(to);
        // A client that nobody takes would wait here for ever: give up loudly instead.
        const timeval patience{20, 0};
        ::setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        char byte;
        if (::recv(client.get(), &byte, 1, 0) == 0) ++ended;
      }
    });
  }
  for (auto& client : clients) client.join();
  for (auto& thread : threads) thread->stop();
  EXPECT_EQ(ended.load(), 3 * each);
  counter_totals sum;
  for (auto& thread : threads) sum += thread->on.count();
  EXPECT_EQ(sum.accepted, 3U * each);
  EXPECT_EQ(process.in_use(), 0U);
  EXPECT_EQ(process.waiting(), 0U);
}

}  // namespace
}  // namespace baton::net

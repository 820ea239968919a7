#include "baton/net/gate.hpp"

#include <gmock/gmock.h>

#include <condition_variable>
#include <memory>
#include <thread>
#include <vector>

#include "support.hpp"

namespace baton::net {
namespace {

using test::setup_error_of;
using ::testing::HasSubstr;

TEST(Gate, LetsCapacityInAndNoMore) {
  gate door{"web", 2};
  auto first = door.try_acquire();
  auto second = door.try_acquire();
  EXPECT_TRUE(first && second);
  EXPECT_FALSE(door.try_acquire());
  EXPECT_EQ(door.in_use(), 2U);
  first.release();
  EXPECT_FALSE(first);
  EXPECT_TRUE(door.try_acquire());
}

TEST(Gate, RefusesACapOfZeroByName) {
  EXPECT_THAT(setup_error_of([] { gate{"web", 0}; }), HasSubstr("web"));
  gate door{"web", 1};
  EXPECT_THAT(setup_error_of([&] { door.set_capacity(0); }), HasSubstr("at least 1"));
}

TEST(Gate, ASlotMovesAndIsGivenBackOnce) {
  gate door{"web", 3};
  {
    auto one = door.try_acquire();
    slot two{std::move(one)};
    slot three = door.try_acquire();
    EXPECT_EQ(door.in_use(), 2U);
    three = std::move(two);
    EXPECT_EQ(door.in_use(), 1U);
  }
  EXPECT_EQ(door.in_use(), 0U);
}

TEST(Gate, ASlotCountsInTheParentToo) {
  gate process{"process", 2};
  gate left{"left", 2, &process};
  gate right{"right", 2, &process};
  auto one = left.try_acquire();
  auto two = right.try_acquire();
  EXPECT_EQ(process.in_use(), 2U);
  EXPECT_FALSE(left.try_acquire()) << "the process is full";
  EXPECT_EQ(left.in_use(), 1U) << "a refused slot leaves no trace";
  two.release();
  EXPECT_TRUE(left.try_acquire());
}

TEST(Gate, WakesAtOnceIfASlotIsFree) {
  gate door{"web", 1};
  int woken = 0;
  door.wait(&woken, [&] { ++woken; });
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(door.waiting(), 0U);
}

TEST(Gate, AReleaseWakesOneWaiterInOrderOfArrival) {
  gate door{"web", 1};
  auto taken = door.try_acquire();
  std::string order;
  int first, second;
  door.wait(&first, [&] { order += '1'; });
  door.wait(&second, [&] { order += '2'; });
  EXPECT_EQ(door.waiting(), 2U);
  taken.release();
  EXPECT_EQ(order, "1");
  door.try_acquire().release();
  EXPECT_EQ(order, "12");
  door.try_acquire().release();
  EXPECT_EQ(order, "12") << "woken once each";
}

TEST(Gate, AWaiterThatIsForgottenIsNotWoken) {
  gate door{"web", 1};
  auto taken = door.try_acquire();
  int gone, stays;
  bool woken = false;
  door.wait(&gone, [] { FAIL() << "forgotten"; });
  door.wait(&stays, [&] { woken = true; });
  door.forget(&gone);
  EXPECT_EQ(door.waiting(), 1U);
  taken.release();
  EXPECT_TRUE(woken);
}

TEST(Gate, AWakeThatNobodyUsedGoesToTheNext) {
  gate door{"web", 1};
  auto taken = door.try_acquire();
  int first, second;
  bool woken = false;
  door.wait(&first, [] {});
  door.wait(&second, [&] { woken = true; });
  taken.release();
  EXPECT_FALSE(woken);
  door.forget(&first);  // it was woken, and stops before it could act
  EXPECT_TRUE(woken);
}

TEST(Gate, ASlotPutBackWakesTheNext) {
  gate door{"web", 1};
  auto taken = door.try_acquire();
  int waiter;
  bool woken = false;
  door.wait(&waiter, [&] { woken = true; });
  taken.put_back();
  EXPECT_TRUE(woken);
}

TEST(Gate, TheParentsReleaseWakesAWaiterOfAChild) {
  gate process{"process", 1};
  gate left{"left", 5, &process};
  gate right{"right", 5, &process};
  auto taken = left.try_acquire();
  bool woken = false;
  int waiter;
  right.wait(&waiter, [&] { woken = true; });
  EXPECT_FALSE(woken);
  EXPECT_EQ(process.waiting(), 1U);
  taken.release();
  EXPECT_TRUE(woken);
}

TEST(Gate, NobodyIsLeftWaitingAtAGateThatIsNotFull) {
  gate process{"process", 2};
  gate web{"web", 1, &process};
  auto mine = web.try_acquire();
  auto others = process.try_acquire();
  int first, second;
  bool second_woken = false;
  web.wait(&first, [] {});
  web.wait(&second, [&] { second_woken = true; });
  mine.release();                        // wakes the first; before it comes to act
  auto grabbed = process.try_acquire();  // somebody else takes the process's slot
  EXPECT_FALSE(web.try_acquire());
  web.wait(&first, [] {});  // now it waits for the process
  EXPECT_TRUE(second_woken) << "the gate the second one waits at is no longer full";
  web.forget(&first);
}

TEST(Gate, ARaisedCapWakesAsManyAsFit) {
  gate door{"web", 1};
  auto taken = door.try_acquire();
  int woken = 0;
  int owners[5];
  for (auto& owner : owners) door.wait(&owner, [&] { ++woken; });
  door.set_capacity(3);
  EXPECT_EQ(woken, 2);
  EXPECT_EQ(door.capacity(), 3U);
  for (auto& owner : owners) door.forget(&owner);
}

TEST(Gate, ALoweredCapTakesEffectAsSlotsComeBack) {
  gate door{"web", 3};
  auto one = door.try_acquire();
  auto two = door.try_acquire();
  auto three = door.try_acquire();
  door.set_capacity(1);
  int waiter;
  bool woken = false;
  door.wait(&waiter, [&] { woken = true; });
  one.release();
  two.release();
  EXPECT_FALSE(woken) << "still full";
  EXPECT_FALSE(door.try_acquire());
  three.release();
  EXPECT_TRUE(woken);
}

TEST(Gate, WhoWaitsForADescriptorIsWokenByAnyConnectionsEnd) {
  gate process{"process", 100};
  gate left{"left", 100, &process};
  gate right{"right", 100, &process};
  auto elsewhere = right.try_acquire();
  int waiter;
  int woken = 0;
  left.wait_release(&waiter, [&] { ++woken; });
  left.try_acquire().put_back();
  EXPECT_EQ(woken, 0) << "no connection ended";
  elsewhere.release();
  EXPECT_EQ(woken, 1);
  left.try_acquire().release();
  EXPECT_EQ(woken, 1);
  left.wait_release(&waiter, [&] { ++woken; });
  right.pass_release_on();
  EXPECT_EQ(woken, 2);
  left.wait_release(&waiter, [&] { FAIL() << "forgotten"; });
  left.forget(&waiter);
  right.try_acquire().release();
}

TEST(Gate, SaysWhenItIsEmpty) {
  gate process{"process", 9};
  gate door{"web", 9, &process};
  int calls = 0;
  door.when_empty([&] { ++calls; });
  EXPECT_EQ(calls, 1) << "at once if no slot is out";
  auto one = door.try_acquire();
  auto two = door.try_acquire();
  door.when_empty([&] { ++calls; });
  process.when_empty([&] { ++calls; });
  one.release();
  EXPECT_EQ(calls, 1);
  two.release();
  EXPECT_EQ(calls, 3);
  door.try_acquire().release();
  EXPECT_EQ(calls, 3) << "once each";
}

TEST(GateDeath, ComplainsIfASlotOutlivesIt) {
  EXPECT_DEATH(
      {
        auto door = std::make_unique<gate>("web", 1);
        auto out = std::make_unique<slot>(door->try_acquire());
        door.reset();
        ::_exit(out ? 0 : 1);
      },
      "web dies while 1 of its slots are out");
}

/// A thread that takes slots as an acceptor does: at the cap it waits for its wake-up.
class taker {
 public:
  taker(gate& door, std::atomic<int>& inside, int cap, int rounds)
      : thread_{[this, &door, &inside, cap, rounds] { run(door, inside, cap, rounds); }} {}
  void join() { thread_.join(); }
  bool starved() const { return starved_; }

 private:
  void run(gate& door, std::atomic<int>& inside, int cap, int rounds) {
    for (int done = 0; done < rounds;) {
      if (auto got = door.try_acquire()) {
        EXPECT_LE(inside.fetch_add(1) + 1, cap);
        if (done % 7 == 0) std::this_thread::yield();
        inside.fetch_sub(1);
        ++done;
        // Some come to nothing, as when accept4(2) finds nobody.
        if (done % 5 == 0) got.put_back();
        continue;
      }
      door.wait(this, [this] {
        const std::scoped_lock lock{mutex_};
        woken_ = true;
        wake_.notify_one();
      });
      std::unique_lock lock{mutex_};
      if (!wake_.wait_for(lock, std::chrono::seconds{20}, [this] { return woken_; })) {
        starved_ = true;
        lock.unlock();
        door.forget(this);
        return;
      }
      woken_ = false;
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  bool woken_ = false;
  bool starved_ = false;
  std::thread thread_;
};

TEST(Gate, LosesNoWakeUpAmongManyThreads) {
  constexpr int cap = 2;
  gate process{"process", cap};
  gate left{"left", 1, &process};
  gate right{"right", cap, &process};
  std::atomic<int> inside{0};
  std::vector<std::unique_ptr<taker>> takers;
  for (int i = 0; i < 8; ++i) {
    takers.push_back(std::make_unique<taker>(i % 2 == 0 ? left : right, inside, cap, 3000));
  }
  for (auto& each : takers) each->join();
  for (auto& each : takers) EXPECT_FALSE(each->starved());
  for (const auto* door : {&process, &left, &right}) {
    EXPECT_EQ(door->in_use(), 0U);
    EXPECT_EQ(door->waiting(), 0U);
  }
}

TEST(Gate, WhenEmptyComesFromWhicheverThreadIsLast) {
  gate process{"process", 64};
  gate door{"web", 64, &process};
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> calls{0};
    std::vector<slot> out;
    for (int i = 0; i < 4; ++i) out.push_back(door.try_acquire());
    process.when_empty([&] { ++calls; });
    std::vector<std::thread> threads;
    for (auto& each : out) {
      threads.emplace_back([mine = std::move(each)]() mutable { mine.release(); });
    }
    for (auto& each : threads) each.join();
    ASSERT_EQ(calls.load(), 1);
  }
}

}  // namespace
}  // namespace baton::net

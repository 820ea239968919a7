#include "baton/net/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>
#include <vector>

#include "support.hpp"

namespace baton::net {
namespace {

using std::chrono::milliseconds;
using clock = std::chrono::steady_clock;
using test::run_until;

struct alarm final : deadline {
  void on_deadline() override {
    ++fired;
    at = clock::now();
    if (action) action();
  }
  int fired = 0;
  clock::time_point at;
  std::function<void()> action;
};

class TimerWheel : public test::no_descriptor_leaks {
 protected:
  boost::asio::io_context context{1};
  timer_wheel wheel{context};
};

TEST_F(TimerWheel, FiresNeverEarlyAndInOrder) {
  constexpr milliseconds waits[] = {milliseconds{0},  milliseconds{1},  milliseconds{49},
                                    milliseconds{50}, milliseconds{51}, milliseconds{170},
                                    milliseconds{260}};
  std::vector<alarm> alarms(std::size(waits));
  std::vector<clock::time_point> not_before(std::size(waits));
  std::vector<clock::time_point> at_most(std::size(waits));  // the machine may pause us in between
  // Armed from the latest to the first: the alarm must move to the front each time.
  for (std::size_t i = std::size(waits); i-- > 0;) {
    not_before[i] = clock::now() + waits[i];
    wheel.arm(alarms[i], waits[i]);
    at_most[i] = clock::now() + waits[i];
  }
  EXPECT_EQ(wheel.armed(), std::size(waits));
  ASSERT_TRUE(run_until(context, [&] { return wheel.armed() == 0; }));
  for (std::size_t i = 0; i < std::size(waits); ++i) {
    EXPECT_EQ(alarms[i].fired, 1) << i;
    EXPECT_GE(alarms[i].at, not_before[i]) << i;
    for (std::size_t earlier = 0; earlier < i; ++earlier) {
      // Within one tick the order is open.
      if (not_before[i] - at_most[earlier] <= timer_wheel::tick) continue;
      EXPECT_GT(alarms[i].at, alarms[earlier].at) << i;
    }
    EXPECT_FALSE(alarms[i].armed());
  }
}

TEST_F(TimerWheel, AnEmptyWheelKeepsNoLoopAwake) {
  EXPECT_EQ(context.run(), 0U);
  alarm one;
  wheel.arm(one, milliseconds{1});
  context.restart();
  context.run();  // comes back only because the wheel fell silent after firing
  EXPECT_EQ(one.fired, 1);
}

TEST_F(TimerWheel, WhatWasCancelledDoesNotFire) {
  alarm cancelled;
  alarm other;
  wheel.arm(cancelled, milliseconds{10});
  wheel.arm(other, milliseconds{120});
  wheel.cancel(cancelled);
  wheel.cancel(cancelled);
  EXPECT_FALSE(cancelled.armed());
  EXPECT_EQ(wheel.armed(), 1U);
  context.run();
  EXPECT_EQ(cancelled.fired, 0);
  EXPECT_EQ(other.fired, 1);
}

TEST_F(TimerWheel, ADestroyedDeadlineIsCancelled) {
  alarm other;
  {
    alarm gone;
    gone.action = [] { FAIL() << "fired after its death"; };
    wheel.arm(gone, milliseconds{1});
  }
  wheel.arm(other, milliseconds{60});
  EXPECT_EQ(wheel.armed(), 1U);
  context.run();
  EXPECT_EQ(other.fired, 1);
}

TEST_F(TimerWheel, ADeadlineMovesLaterAndEarlier) {
  alarm later;
  alarm earlier;
  const auto start = clock::now();
  wheel.arm(later, milliseconds{20});
  wheel.arm(later, milliseconds{200});
  wheel.arm(earlier, milliseconds{60'000});
  wheel.arm(earlier, milliseconds{20});
  EXPECT_EQ(wheel.armed(), 2U);
  context.run();
  EXPECT_GE(later.at - start, milliseconds{200});
  EXPECT_GE(earlier.at - start, milliseconds{20});
  EXPECT_EQ(later.fired + earlier.fired, 2);
}

TEST_F(TimerWheel, ACancelledDeadlineCanBeArmedAgain) {
  alarm one;
  const auto start = clock::now();
  wheel.arm(one, milliseconds{10});
  wheel.cancel(one);
  wheel.arm(one, milliseconds{110});
  context.run();
  EXPECT_EQ(one.fired, 1);
  EXPECT_GE(one.at - start, milliseconds{110});
}

TEST_F(TimerWheel, FurtherThanTheWheelReachesIsKept) {
  alarm far;
  alarm near;
  wheel.arm(far, std::chrono::hours{24 * 30});
  wheel.arm(near, milliseconds{1});
  ASSERT_TRUE(run_until(context, [&] { return near.fired == 1; }));
  EXPECT_TRUE(far.armed());
  EXPECT_EQ(far.fired, 0);
}

TEST_F(TimerWheel, ADeadlineMayArmItselfAgain) {
  alarm one;
  std::vector<clock::time_point> times{clock::now()};
  one.action = [&] {
    times.push_back(clock::now());
    if (one.fired < 4) wheel.arm(one, milliseconds{30});
  };
  wheel.arm(one, milliseconds{30});
  context.run();
  ASSERT_EQ(times.size(), 5U);
  for (std::size_t i = 1; i < times.size(); ++i) {
    EXPECT_GE(times[i] - times[i - 1], milliseconds{30});
  }
}

TEST_F(TimerWheel, ADeadlineMayDestroyCancelAndMoveItsNeighbours) {
  alarm actor;
  auto destroyed = std::make_unique<alarm>();
  alarm cancelled;
  alarm moved;
  destroyed->action = [] { FAIL() << "fired after its death"; };
  const auto start = clock::now();
  wheel.arm(actor, milliseconds{5});
  wheel.arm(*destroyed, milliseconds{5});
  wheel.arm(cancelled, milliseconds{5});
  wheel.arm(moved, milliseconds{5});
  actor.action = [&] {
    destroyed.reset();
    wheel.cancel(cancelled);
    wheel.arm(moved, milliseconds{150});
  };
  context.run();
  EXPECT_EQ(actor.fired, 1);
  if (cancelled.fired == 0) {
    EXPECT_GE(moved.at - start, milliseconds{150});
  }
  EXPECT_EQ(cancelled.fired, 0);
  EXPECT_EQ(moved.fired, 1);
}

TEST_F(TimerWheel, ADeadlineThatThrowsDoesNotSilenceTheOthers) {
  alarm thrower;
  alarm same_tick;
  alarm later;
  thrower.action = [] { throw std::runtime_error{"a handler's"}; };
  wheel.arm(thrower, milliseconds{1});
  wheel.arm(same_tick, milliseconds{1});
  wheel.arm(later, milliseconds{80});
  EXPECT_THROW(context.run(), std::runtime_error);
  context.run();
  EXPECT_EQ(same_tick.fired, 1);
  EXPECT_EQ(later.fired, 1);
}

TEST_F(TimerWheel, AfterCloseTheLoopRunsOutOfWork) {
  alarm one;
  wheel.arm(one, milliseconds{60'000});
  wheel.close();
  context.run();
  wheel.arm(one, milliseconds{1});
  context.restart();
  context.run();
  EXPECT_EQ(one.fired, 0);
}

TEST_F(TimerWheel, ADeadlineMayOutliveTheWheel) {
  alarm one;
  {
    timer_wheel brief{context};
    brief.arm(one, milliseconds{1});
  }
  context.run();
  EXPECT_FALSE(one.armed());
  EXPECT_EQ(one.fired, 0);
}

TEST_F(TimerWheel, ManyDeadlinesMovedAtRandomAllFireInTime) {
  constexpr std::size_t count = 2000;
  std::vector<alarm> alarms(count);
  std::vector<clock::time_point> due(count);
  unsigned state = 12345;
  const auto random = [&state] {
    return state = state * 1103515245U + 12345U, (state >> 16) % 400;
  };
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < count; ++i) {
      if (round > 0 && random() % 3 == 0) continue;
      const milliseconds after{random()};
      due[i] = clock::now() + after;
      wheel.arm(alarms[i], after);
    }
  }
  context.run();
  for (std::size_t i = 0; i < count; ++i) {
    ASSERT_EQ(alarms[i].fired, 1) << i;
    ASSERT_GE(alarms[i].at, due[i]) << i;
  }
}

TEST_F(TimerWheel, ANodeIsSmall) { EXPECT_LE(sizeof(deadline), 40U); }

}  // namespace
}  // namespace baton::net

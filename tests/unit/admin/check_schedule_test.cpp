#include "admin/check_schedule.hpp"

#include <gtest/gtest.h>

#include "baton/base/error.hpp"

namespace baton::admin {
namespace {

using namespace std::chrono_literals;
using time_point = check_schedule::time_point;

const time_point begin = time_point{} + 1h;
const auto wall = std::chrono::system_clock::now();
const check nothing = [](const check_completion&) {};

check_report only(const check_schedule& of) { return of.reports().at(0); }

TEST(CheckSchedule, RunsAtOnceThenAtEachIntervalAndKeepsTheResult) {
  check_schedule all;
  all.add("database", nothing, {.interval = 30s, .timeout = 5s}, begin);
  EXPECT_EQ(only(all).reason, "not run yet");
  auto due = all.due(begin);
  ASSERT_EQ(due.size(), 1U);
  EXPECT_TRUE(all.due(begin + 1s).empty()) << "one run at a time";
  EXPECT_EQ(all.next(), begin + 5s) << "its time-out";
  EXPECT_TRUE(all.complete(due[0].index, due[0].run,
                           {.status = health_status::degraded, .reason = "slow", .value = 7},
                           begin + 2s, wall));
  all.returned(due[0].index, due[0].run);
  EXPECT_EQ(only(all).status, health_status::degraded);
  EXPECT_EQ(only(all).reason, "slow");
  EXPECT_EQ(only(all).value, 7);
  EXPECT_EQ(only(all).took, 2s);
  EXPECT_EQ(all.next(), begin + 30s);
  EXPECT_TRUE(all.due(begin + 29s).empty());
  EXPECT_EQ(all.due(begin + 30s).size(), 1U);
  EXPECT_EQ(only(all).status, health_status::degraded) << "the last word stands meanwhile";
}

TEST(CheckSchedule, ARunThatNeverCompletesIsUnhealthyAndIsTriedAgain) {
  check_schedule all;
  all.add("queue", nothing, {.interval = 30s, .timeout = 5s}, begin);
  const auto first = all.due(begin).at(0);
  all.returned(first.index, first.run);
  EXPECT_TRUE(all.due(begin + 5s).empty());
  EXPECT_EQ(only(all).status, health_status::unhealthy);
  EXPECT_EQ(only(all).reason, "it did not complete within 5000ms");
  EXPECT_FALSE(all.complete(first.index, first.run, {}, begin + 6s, wall)) << "too late";
  EXPECT_EQ(only(all).status, health_status::unhealthy);
  const auto second = all.due(begin + 30s).at(0);
  EXPECT_NE(second.run, first.run);
  EXPECT_FALSE(all.complete(first.index, first.run, {}, begin + 31s, wall)) << "of another run";
  EXPECT_TRUE(all.complete(second.index, second.run, {}, begin + 31s, wall));
  EXPECT_EQ(only(all).status, health_status::healthy);
}

TEST(CheckSchedule, ACompletionInTimeThatComesBehindItsDeadlineUnseenIsLateAllTheSame) {
  check_schedule all;
  all.add("queue", nothing, {.interval = 30s, .timeout = 5s}, begin);
  const auto run = all.due(begin).at(0);
  EXPECT_FALSE(all.complete(run.index, run.run, {}, begin + 5s, wall));
  EXPECT_EQ(only(all).status, health_status::unhealthy);
}

TEST(CheckSchedule, ACheckThatHangsIsNotStartedASecondTime) {
  check_schedule all;
  all.add("disk", nothing, {.interval = 30s, .timeout = 5s}, begin);
  const auto run = all.due(begin).at(0);
  EXPECT_TRUE(all.due(begin + 5s).empty());
  EXPECT_EQ(only(all).reason, "it did not come back within 5000ms");
  for (int i = 1; i < 10; ++i) EXPECT_TRUE(all.due(begin + i * 30s).empty());
  EXPECT_EQ(only(all).status, health_status::unhealthy);
  all.returned(run.index, run.run);
  EXPECT_EQ(all.due(begin + 300s).size(), 1U);
}

TEST(CheckSchedule, ACheckThatCompletesAndThenHangsBecomesUnhealthyWhenItIsDueAgain) {
  check_schedule all;
  all.add("disk", nothing, {.interval = 30s, .timeout = 5s}, begin);
  const auto run = all.due(begin).at(0);
  EXPECT_TRUE(all.complete(run.index, run.run, {}, begin + 1s, wall));
  EXPECT_EQ(only(all).status, health_status::healthy);
  EXPECT_TRUE(all.due(begin + 30s).empty());
  EXPECT_EQ(only(all).status, health_status::unhealthy);
}

TEST(CheckSchedule, ASecondCompletionOfARunIsIgnored) {
  check_schedule all;
  all.add("twice", nothing, {}, begin);
  const auto run = all.due(begin).at(0);
  EXPECT_TRUE(all.complete(run.index, run.run, {}, begin + 1s, wall));
  EXPECT_FALSE(
      all.complete(run.index, run.run, {.status = health_status::unhealthy}, begin + 1s, wall));
  EXPECT_EQ(only(all).status, health_status::healthy);
}

TEST(CheckSchedule, ChecksAddedTogetherDoNotRunInOneInstant) {
  check_schedule all;
  for (const auto* name : {"a", "b", "c"}) all.add(name, nothing, {}, begin);
  EXPECT_EQ(all.due(begin).size(), 1U);
  EXPECT_EQ(all.due(begin + 50ms).size(), 1U);
  EXPECT_EQ(all.due(begin + 100ms).size(), 1U);
}

TEST(CheckSchedule, NamesAndTimesThatMakeNoSenseAreRefused) {
  check_schedule all;
  all.add("a", nothing, {}, begin);
  EXPECT_THROW(all.add("a", nothing, {}, begin), setup_error);
  EXPECT_THROW(all.add("", nothing, {}, begin), setup_error);
  EXPECT_THROW(all.add("b", nullptr, {}, begin), setup_error);
  EXPECT_THROW(all.add("b", nothing, {.interval = 0ms}, begin), setup_error);
  EXPECT_THROW(all.add("b", nothing, {.timeout = -1ms}, begin), setup_error);
  EXPECT_EQ(all.reports().size(), 1U);
  all.remove("a");
  all.add("a", nothing, {}, begin);
  EXPECT_EQ(all.reports().size(), 1U);
}

TEST(CheckSchedule, AShorterIntervalHoldsForTheRunThatIsWaitedForNow) {
  check_schedule all;
  all.add("a", nothing, {.interval = 1h}, begin);
  const auto run = all.due(begin).at(0);
  all.returned(run.index, run.run);
  EXPECT_TRUE(all.complete(run.index, run.run, {}, begin + 1s, wall));
  all.set_options("a", {.interval = 10s});
  EXPECT_EQ(all.next(), begin + 10s);
}

}  // namespace
}  // namespace baton::admin

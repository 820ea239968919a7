#include "ondemand/process/process_tree.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "lineage/pidfd.hpp"
#include "ondemand/process/tree_search.hpp"
#include "unit/ondemand/process/process_fixture.hpp"

namespace baton::ondemand {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

/// Long enough that only a test that fails waits for it.
constexpr auto very_long = 600s;

class ProcessTree : public ProcessTest {};

std::set<pid_t> pids_of(const tree_identity& identity) {
  std::set<pid_t> found;
  for (const auto& member : search_tree(identity).members) found.insert(member.pid);
  return found;
}

TEST_F(ProcessTree, EndsOneProcessAtItsWish) {
  auto& it = start_ready({"wait"});
  const auto report = stop(it.subject->identity(), {.grace = very_long});
  EXPECT_EQ(report.signalled, 1U);
  EXPECT_EQ(report.killed, 0U);
  EXPECT_EQ(report.forked_away, 0U);
  EXPECT_GT(report.memory_freed, 4096U);
  EXPECT_THAT(report.left, IsEmpty());
  RUN_UNTIL(it.ended());
  EXPECT_EQ(it.status->signal(), SIGTERM);
}

TEST_F(ProcessTree, EndsChildrenAndThoseThatForkedAway) {
  auto& it = start_ready({"fork-away"});
  const pid_t away = it.pid_of("away");
  ASSERT_TRUE(is_alive(away));
  EXPECT_EQ(pids_of(it.subject->identity()), (std::set{it.subject->pid(), away}));
  const auto report = stop(it.subject->identity(), {.grace = very_long});
  EXPECT_EQ(report.signalled, 2U);
  EXPECT_EQ(report.forked_away, 1U);
  EXPECT_EQ(report.killed, 0U);
  EXPECT_FALSE(is_alive(away));
}

TEST_F(ProcessTree, EndsADaemonWhoseStarterHasEnded) {
  auto& it = start({"daemonize"});
  RUN_UNTIL(it.ended());
  const pid_t away = it.pid_of("away");
  EXPECT_TRUE(is_alive(away));
  const auto report = stop(it.subject->identity(), {.grace = very_long});
  EXPECT_EQ(report.signalled, 1U);
  EXPECT_EQ(report.forked_away, 1U);
  EXPECT_FALSE(is_alive(away));
}

TEST_F(ProcessTree, FindsAMarkedDaemonWithoutItsLeader) {
  tree_identity identity;
  {
    auto& it = start({"daemonize"});
    RUN_UNTIL(it.ended());
    identity.marker = it.subject->identity().marker;
    it.subject.reset();
  }
  EXPECT_EQ(stop(identity, {.grace = very_long}).signalled, 1U);
}

TEST_F(ProcessTree, KillsWhatDoesNotHear) {
  auto& it = start_ready({"ignore-term"});
  const auto report = stop(it.subject->identity(), {.grace = 50ms});
  EXPECT_EQ(report.killed, 1U);
  EXPECT_GE(report.took, 50ms);
  EXPECT_THAT(report.to_string(), HasSubstr("1 process ended within"));
  EXPECT_THAT(report.to_string(), HasSubstr("(1 killed)"));
  RUN_UNTIL(it.ended());
  EXPECT_EQ(it.status->signal(), SIGKILL);
}

TEST_F(ProcessTree, KillsADeafOneThatForkedAway) {
  auto& it = start_ready({"fork-away-deaf"});
  const auto report = stop(it.subject->identity(), {.grace = 50ms});
  EXPECT_EQ(report.signalled, 2U);
  EXPECT_GE(report.killed, 1U);
  EXPECT_FALSE(is_alive(it.pid_of("away")));
}

TEST_F(ProcessTree, KillsAtOnceWithoutGrace) {
  auto& it = start_ready({"children", "20"});
  const auto report = stop(it.subject->identity(), {.grace = 0ms});
  EXPECT_EQ(report.signalled, 21U);
  EXPECT_EQ(report.killed, 21U);
}

TEST_F(ProcessTree, HurriesWhenTold) {
  auto& it = start_ready({"ignore-term"});
  std::optional<tree_report> told;
  process_tree tree{context(), it.subject->identity()};
  tree.stop({.grace = very_long}, [&](const tree_report& report) { told = report; });
  EXPECT_TRUE(tree.stopping());
  tree.hurry();
  RUN_UNTIL(told.has_value());
  EXPECT_EQ(told->killed, 1U);
}

TEST_F(ProcessTree, HurriesBehindTheFirstSignal) {
  auto& it = start_ready({"ignore-term"});
  std::optional<tree_report> told;
  process_tree tree{context(), it.subject->identity()};
  tree.stop({.grace = very_long, .signal = SIGUSR1},
            [&](const tree_report& report) { told = report; });
  RUN_UNTIL(it.ended());  // of SIGUSR1, so the search has been
  tree.hurry();
  RUN_UNTIL(told.has_value());
  EXPECT_EQ(it.status->signal(), SIGUSR1);
}

TEST_F(ProcessTree, EndsAStoppedProcess) {
  auto& it = start_ready({"stopped"});
  EXPECT_EQ(stop(it.subject->identity(), {.grace = very_long}).killed, 0U);
}

TEST_F(ProcessTree, CatchesProcessesThatRunAway) {
  auto& it = start_ready({"run-away"});
  const auto report = stop(it.subject->identity(), {.grace = 20ms, .kill_limit = 60s});
  EXPECT_THAT(report.left, IsEmpty());
  EXPECT_THAT(pids_of(it.subject->identity()), IsEmpty());
}

TEST_F(ProcessTree, ThatIsNotThereIsSaidToBeGone) {
  const auto report = stop({.marker = make_marker()});
  EXPECT_EQ(report.signalled, 0U);
  EXPECT_THAT(report.to_string(), HasSubstr("0 processes ended within "));
}

TEST_F(ProcessTree, TakesNoStrangerForAMember) {
  auto& one = start_ready({"fork-away"});
  auto& other = start_ready({"fork-away"});
  stop(one.subject->identity(), {.grace = 0ms});
  EXPECT_TRUE(other.subject->running());
  EXPECT_EQ(pids_of(other.subject->identity()).size(), 2U);
  EXPECT_FALSE(belongs(one.subject->identity(), other.subject->pid()));
  EXPECT_TRUE(belongs(other.subject->identity(), other.pid_of("away")));
  EXPECT_FALSE(belongs(other.subject->identity(), ::getpid()));
  EXPECT_EQ(stop(other.subject->identity()).signalled, 2U);
}

TEST_F(ProcessTree, DoesNotTrustAPidWhoseStartTimeIsAnother) {
  auto& it = start_ready({"wait"});
  auto identity = it.subject->identity();
  identity.marker = make_marker();
  ++identity.start_time;  // as if the pid were another process's by now
  EXPECT_THAT(pids_of(identity), IsEmpty());
}

TEST_F(ProcessTree, IsMeasured) {
  auto& it = start_ready({"children", "3"});
  const auto usage = measure(it.subject->identity());
  EXPECT_EQ(usage.processes, 4U);
  EXPECT_GT(usage.memory, 4U * 4096U);
}

TEST_F(ProcessTree, MayBeDestroyedWhileItStops) {
  auto& it = start_ready({"ignore-term"});
  for (int i = 0; i < 20; ++i) {
    process_tree tree{context(), it.subject->identity()};
    tree.stop({}, [](const tree_report&) { ADD_FAILURE(); });
    if (i % 2 == 0) run_ready();
  }
  run_ready();
}

TEST_F(ProcessTree, MayBeDestroyedByItsHandler) {
  auto& it = start_ready({"wait"});
  auto tree = std::make_unique<process_tree>(context(), it.subject->identity());
  tree->stop({}, [&](const tree_report&) { tree.reset(); });
  RUN_UNTIL(!tree);
}

TEST_F(ProcessTree, LeavesNothingAfterAHundredStops) {
  for (int i = 0; i < 100; ++i) {
    auto& it = start_ready({i % 2 == 0 ? "fork-away" : "wait"});
    EXPECT_EQ(stop(it.subject->identity()).signalled, i % 2 == 0 ? 2U : 1U);
    RUN_UNTIL(it.ended());
    it.subject.reset();
  }
}

TEST(Marker, IsOfItsOwnEachTime) {
  EXPECT_EQ(make_marker().size(), 32U);
  EXPECT_NE(make_marker(), make_marker());
}

}  // namespace
}  // namespace baton::ondemand

#include "admin/readiness.hpp"

#include <gtest/gtest.h>

namespace baton::admin {
namespace {

using lineage::phase;

TEST(Readiness, IsFalseFromTheAnnouncementOfAnExitToTheEnd) {  // F30
  readiness state;
  EXPECT_FALSE(state.ready());
  state.enter(phase::serving);
  EXPECT_TRUE(state.ready());
  for (const auto later : {phase::announcing, phase::draining, phase::stopped}) {
    state.enter(later);
    EXPECT_FALSE(state.ready()) << lineage::to_string(later);
    EXPECT_FALSE(state.reason().empty());
  }
}

TEST(Readiness, StaysTrueOverAnUpgradeThatFails) {
  readiness state;
  for (const auto next : {phase::serving, phase::upgrading, phase::serving}) {
    state.enter(next);
    EXPECT_TRUE(state.ready());
  }
}

TEST(Readiness, AGenerationThatHandedOverIsNoReasonToGoElsewhere) {
  readiness state;
  for (const auto next : {phase::serving, phase::upgrading, phase::draining}) state.enter(next);
  EXPECT_EQ(state.now(), readiness::state::handed_over);
  EXPECT_TRUE(state.ready());
  state.enter(phase::stopped);
  EXPECT_TRUE(state.ready());
}

TEST(Readiness, AHandoverThatWasTakenBackCanBeLeftLater) {
  readiness state;
  for (const auto next : {phase::serving, phase::upgrading, phase::draining, phase::serving})
    state.enter(next);
  EXPECT_EQ(state.now(), readiness::state::ready);
  state.enter(phase::announcing);
  EXPECT_FALSE(state.ready());
}

TEST(Readiness, WhoIsToldToLeaveBeforeItServesWasNeverReady) {
  readiness state;
  state.enter(phase::draining);
  EXPECT_FALSE(state.ready());
  EXPECT_EQ(state.now(), readiness::state::leaving);
}

}  // namespace
}  // namespace baton::admin

#include "unit/ondemand/life/life_fixture.hpp"

namespace baton::ondemand {
namespace {

TEST_F(Life, AnEarlierGenerationsReadyServiceKeepsItsIdleClock) {
  make_ready();
  const auto begin = now;
  now += 20s;
  const auto left = subject.remember();
  life next{options, *this};
  next.recall(left, now);
  EXPECT_EQ(next.state(), service_state::ready);
  EXPECT_EQ(next.idle_at(), begin + 60s);
  EXPECT_EQ(effects(), strings{"open"});
}

TEST_F(Life, AnEarlierGenerationsStartIsNotStartedAgain) {
  static_cast<void>(request());
  const auto left = subject.remember();
  done.clear();
  life next{options, *this};
  next.recall(left, now);
  EXPECT_EQ(next.request(now).what, verdict::wait);
  EXPECT_TRUE(effects().empty());
  next.came_up(now);
  EXPECT_EQ(effects(), strings{"open"});
}

TEST_F(Life, OneThatFailedIsRecalledWithItsBackOffAndTheRequestThatWaits) {
  const auto retry = now + 5s;
  subject.recall({.state = service_state::failed,
                  .why = "it burnt",
                  .failures = 3,
                  .retry_at = retry,
                  .wanted = true},
                 now);
  EXPECT_EQ(effects(), strings{});
  EXPECT_EQ(subject.why(), "it burnt");
  EXPECT_EQ(subject.deadline(), retry);
  wait();
  EXPECT_EQ(effects(), strings{"start"});
}

TEST_F(Life, OneThatNobodyWantsIsRecalledAsItStands) {
  subject.recall({.state = service_state::stopped}, now);
  EXPECT_EQ(effects(), strings{});
  EXPECT_FALSE(subject.deadline());
}

TEST_F(Life, OneThatIsWantedIsStartedWhenItIsRecalled) {
  subject.recall({.state = service_state::stopped, .wanted = true}, now);
  EXPECT_EQ(effects(), strings{"start"});
}

TEST_F(Life, OneThatAlwaysRunsIsStartedWhenItIsRecalledStopped) {
  with({.always = true});
  subject.recall({.state = service_state::stopped}, now);
  EXPECT_EQ(effects(), strings{"start"});
}

TEST_F(Life, WhatWasRememberedMayBeRecalledAgain) {
  make_ready();
  const auto as_it_was = subject.remember();
  subject.stop(now);
  effects();
  subject.recall(as_it_was, now);
  EXPECT_EQ(subject.state(), service_state::ready);
  EXPECT_FALSE(subject.told_to_stop());
  EXPECT_EQ(effects(), strings{"open"});
}

TEST_F(Life, WhatIsRetiredIsNotStartedAgain) {
  with({.always = true});
  make_ready();
  subject.retire();
  subject.kill(now);
  subject.ended(now);
  EXPECT_EQ(subject.state(), service_state::stopped);
  EXPECT_EQ(effects().back(), "stop");
  EXPECT_FALSE(subject.deadline());
}

}  // namespace
}  // namespace baton::ondemand

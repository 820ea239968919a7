#include "unit/ondemand/life/life_fixture.hpp"

namespace baton::ondemand {
namespace {

TEST_F(Life, RequestsMayBeWhatShowsThatItIsReady) {
  EXPECT_EQ(request(), verdict::wait);
  EXPECT_FALSE(subject.lets_in());
  subject.let_in();
  EXPECT_EQ(effects(), (strings{"start", "try"}));
  EXPECT_TRUE(subject.lets_in());
  EXPECT_EQ(subject.state(), service_state::starting);
  EXPECT_EQ(request(), verdict::pass);
  subject.came_up(now);
  EXPECT_EQ(subject.state(), service_state::ready);
  EXPECT_EQ(effects(), strings{"open"}) << "for whoever waited all the same";
}

TEST_F(Life, OnlyAStartLetsIn) {
  subject.let_in();
  make_ready();
  subject.let_in();
  EXPECT_TRUE(effects().empty());
}

TEST_F(Life, AStartThatFailsBehindOpenDoorsTellsWhyBeforeItClosesThem) {
  static_cast<void>(request());
  subject.let_in();
  static_cast<void>(effects());
  subject.failed(now, "exited with status 3 before it was ready");
  EXPECT_EQ(effects(), (strings{"refuse: exited with status 3 before it was ready, 1000", "close",
                                "stop at fault"}));
  EXPECT_FALSE(subject.lets_in());
  subject.doors_closed(now, {1, now});
  subject.ended(now);
  EXPECT_EQ(subject.state(), service_state::failed);
  EXPECT_EQ(request(), verdict::refused);
  EXPECT_TRUE(effects().empty());
}

TEST_F(Life, TheNextStartIsOnTrialAgain) {
  static_cast<void>(request());
  subject.let_in();
  subject.failed(now, "it burnt");
  subject.ended(now);
  now = *subject.retry_at();
  static_cast<void>(effects());
  EXPECT_EQ(request(), verdict::wait);
  EXPECT_FALSE(subject.lets_in());
  EXPECT_EQ(effects(), strings{"start"});
}

TEST_F(Life, WhatWasLetInMayFinishWhenTheOperatorStopsTheStart) {
  static_cast<void>(request());
  subject.let_in();
  static_cast<void>(effects());
  subject.stop(now);
  EXPECT_EQ(subject.state(), service_state::draining);
  EXPECT_EQ(effects(), (strings{"open", "close"}));
  subject.doors_closed(now, {1, now});
  EXPECT_EQ(effects(), strings{"watch"});
  subject.came_up(now);
  EXPECT_EQ(subject.state(), service_state::draining) << "its first answer came late";
  subject.emptied(now);
  EXPECT_EQ(effects(), strings{"stop"});
}

TEST_F(Life, TheOperatorEndsAStartOnTrialAtOnce) {
  static_cast<void>(request());
  subject.let_in();
  static_cast<void>(effects());
  subject.kill(now);
  EXPECT_EQ(subject.state(), service_state::stopping);
  EXPECT_EQ(effects(), (strings{"open", "close", "stop"}));
}

}  // namespace
}  // namespace baton::ondemand

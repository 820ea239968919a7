#include "unit/ondemand/life/life_fixture.hpp"

namespace baton::ondemand {
namespace {

TEST_F(Life, OneStartHoweverManyWait) {
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(request(), verdict::wait);
  EXPECT_EQ(effects(), strings{"start"});
  subject.came_up(now);
  EXPECT_EQ(effects(), strings{"open"});
  EXPECT_EQ(request(), verdict::pass);
  EXPECT_EQ(states, (strings{"stopped to starting", "starting to ready"}));
}

TEST_F(Life, IdleIsCountedFromTheLastByte) {
  make_ready();
  const auto begin = now;
  wait();
  EXPECT_EQ(now - begin, 60s);
  EXPECT_EQ(effects(), strings{"ask"});
  subject.traffic_is(now, {0, begin + 20s});
  EXPECT_EQ(subject.state(), service_state::ready);
  EXPECT_EQ(subject.idle_at(), begin + 80s);
  wait();
  EXPECT_EQ(now - begin, 80s);
  subject.traffic_is(now, {0, begin + 20s});
  EXPECT_EQ(effects(), (strings{"ask", "close"}));
  subject.doors_closed(now, {0, begin + 20s});
  EXPECT_EQ(effects(), strings{"stop"});
  subject.ended(now);
  EXPECT_EQ(subject.state(), service_state::stopped);
}

TEST_F(Life, AnOpenRequestBlocksTheStopForAsLongAsItTakes) {
  make_ready();
  wait();
  subject.traffic_is(now, {1, now - 55s});
  EXPECT_EQ(effects(), (strings{"ask", "watch"}));
  EXPECT_FALSE(subject.deadline()) << "nothing to do before it is closed";
  EXPECT_FALSE(subject.idle_at());
  now += 24h;
  subject.emptied(now);
  EXPECT_EQ(effects(), strings{"ask"});
  subject.traffic_is(now, {0, now});
  EXPECT_EQ(subject.idle_at(), now + 60s);
  EXPECT_TRUE(effects().empty());
}

TEST_F(Life, WhatCameWhileTheDoorsWereClosingKeepsItReady) {
  make_ready();
  wait();
  subject.traffic_is(now, {});
  EXPECT_EQ(effects(), (strings{"ask", "close"}));
  subject.doors_closed(now, {1, now});
  EXPECT_EQ(effects(), strings{"open"});
  EXPECT_EQ(subject.state(), service_state::ready);
}

TEST_F(Life, ARequestBeforeAnythingWasEndedCancelsTheStop) {
  make_ready();
  wait();
  subject.traffic_is(now, {});
  EXPECT_EQ(request(), verdict::pass);
  EXPECT_EQ(effects(), (strings{"ask", "close", "open"}));
  subject.doors_closed(now, {});
  EXPECT_TRUE(effects().empty()) << "an answer that nobody waits for any more";
  EXPECT_EQ(subject.state(), service_state::ready);
}

TEST_F(Life, TheProbeMayVetoTheStop) {
  options.has_probe = true;
  with(options);
  make_ready();
  wait();
  subject.traffic_is(now, {});
  subject.doors_closed(now, {});
  EXPECT_EQ(effects(), (strings{"ask", "close", "probe"}));
  subject.probe_said(now, true);
  EXPECT_EQ(effects(), strings{"open"});
  EXPECT_EQ(subject.idle_at(), now + 60s);
  wait();
  subject.traffic_is(now, {});
  subject.doors_closed(now, {});
  subject.probe_said(now, false);
  EXPECT_EQ(effects(), (strings{"ask", "close", "probe", "stop"}));
}

TEST_F(Life, ARequestWhileTheProbeRunsMakesItsWordWorthless) {
  options.has_probe = true;
  with(options);
  make_ready();
  wait();
  subject.traffic_is(now, {});
  subject.doors_closed(now, {});
  EXPECT_EQ(request(), verdict::pass);
  subject.probe_said(now, false);
  EXPECT_EQ(subject.state(), service_state::ready);
}

TEST_F(Life, RequestsThatComeWhileItStopsWaitForTheNextStart) {
  make_ready();
  wait();
  subject.traffic_is(now, {});
  subject.doors_closed(now, {});
  done.clear();
  EXPECT_EQ(request(), verdict::wait);
  EXPECT_TRUE(effects().empty()) << "not before all of it has ended";
  subject.ended(now);
  EXPECT_EQ(effects(), strings{"start"});
}

TEST_F(Life, WhoWaitedAndLeftStartsNothing) {
  make_ready();
  subject.kill(now);
  static_cast<void>(request());
  subject.nobody_waits();
  done.clear();
  subject.ended(now);
  EXPECT_EQ(subject.state(), service_state::stopped);
  EXPECT_TRUE(effects().empty());
}

TEST_F(Life, TheOperatorsStopLetsOpenRequestsFinishAndIsNotCancelledByNewOnes) {
  make_ready();
  subject.stop(now);
  EXPECT_TRUE(subject.told_to_stop());
  EXPECT_EQ(effects(), strings{"close"});
  subject.doors_closed(now, {2, now});
  EXPECT_EQ(effects(), strings{"watch"});
  EXPECT_EQ(request(), verdict::wait);
  EXPECT_TRUE(effects().empty());
  subject.emptied(now);
  EXPECT_EQ(effects(), strings{"stop"});
  subject.ended(now);
  EXPECT_EQ(effects(), strings{"start"}) << "for the request that waits";
}

TEST_F(Life, TheOperatorsStopHasADeadline) {
  make_ready();
  subject.stop(now);
  subject.doors_closed(now, {1, now});
  done.clear();
  const auto begin = now;
  wait();
  EXPECT_EQ(now - begin, 30s);
  EXPECT_EQ(effects(), strings{"stop"});
}

TEST_F(Life, TheOperatorMayStopAStart) {
  static_cast<void>(request());
  done.clear();
  subject.stop(now);
  EXPECT_EQ(effects(), (strings{"refuse: the operator stopped it, 0", "stop"}));
  subject.came_up(now);
  EXPECT_EQ(subject.state(), service_state::stopping) << "too late";
  subject.ended(now);
  EXPECT_EQ(subject.state(), service_state::stopped);
}

TEST_F(Life, TheOperatorsStartDuringAStopComesBehindIt) {
  make_ready();
  subject.kill(now);
  EXPECT_FALSE(subject.start(now));
  done.clear();
  subject.ended(now);
  EXPECT_EQ(effects(), strings{"start"});
}

TEST_F(Life, WhatIsWantedAlwaysIsStartedAgainAndNeverIdle) {
  options.always = true;
  with(options);
  EXPECT_TRUE(subject.start(now));
  subject.came_up(now);
  EXPECT_FALSE(subject.deadline());
  now += 1h;
  subject.failed(now, "exited with status 0");
  done.clear();
  subject.ended(now);
  EXPECT_EQ(effects(), strings{"start"});
  subject.failed(now, "exited with status 1");
  subject.ended(now);
  EXPECT_EQ(subject.state(), service_state::failed);
  done.clear();
  wait();
  EXPECT_EQ(effects(), strings{"start"});
}

TEST_F(Life, WithoutAnIdleTimeItStays) {
  options.idle_timeout = 0ms;
  with(options);
  make_ready();
  EXPECT_FALSE(subject.deadline());
}

TEST_F(Life, AnotherIdleTimeCountsFromTheLastByteToo) {
  make_ready();
  const auto begin = now;
  now += 30s;
  options.idle_timeout = 40s;
  with(options);
  EXPECT_EQ(subject.idle_at(), begin + 40s);
  options.idle_timeout = 10s;
  with(options);
  EXPECT_EQ(subject.idle_at(), now) << "at once, not in the past";
}

TEST_F(Life, EverythingOutOfTurnIsPassedOver) {
  subject.came_up(now);
  subject.ended(now);
  subject.emptied(now);
  subject.failed(now, "nothing runs");
  subject.traffic_is(now, {1, now});
  subject.doors_closed(now, {});
  subject.probe_said(now, false);
  subject.on_time(now + 1h);
  subject.stop(now);
  EXPECT_EQ(subject.state(), service_state::stopped);
  EXPECT_TRUE(done.empty());
}

}  // namespace
}  // namespace baton::ondemand

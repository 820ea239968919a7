#include "ondemand/life/life.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace baton::ondemand {
namespace {

using namespace std::chrono_literals;
using verdict = admission::verdict;
using strings = std::vector<std::string>;

/// A life, its clock, and what it wanted done.
class Life : public testing::Test, public life_effects {
 protected:
  void begin_start() override { note("start"); }
  void begin_stop(bool at_fault) override { note(at_fault ? "stop at fault" : "stop"); }
  void open_doors() override { note("open"); }
  void close_doors() override { note("close"); }
  void ask_traffic() override { note("ask"); }
  void watch_traffic() override { note("watch"); }
  void begin_probe() override { note("probe"); }
  void refuse_waiting(const std::string& why, milliseconds retry_after) override {
    note("refuse: " + why + ", " + std::to_string(retry_after.count()));
  }
  void changed(service_state before) override {
    states.push_back(std::string{to_string(before)} + " to " +
                     std::string{to_string(subject.state())});
  }
  void note(std::string what) { done.push_back(std::move(what)); }

  /// What was done since the last time.
  strings effects() { return std::exchange(done, {}); }
  verdict request() { return subject.request(now).what; }

  void make_ready() {
    static_cast<void>(request());
    subject.came_up(now);
    ASSERT_EQ(subject.state(), service_state::ready);
    done.clear();
    states.clear();
  }
  /// Time goes by, up to the next deadline.
  void wait() {
    ASSERT_TRUE(subject.deadline());
    now = std::max(now, *subject.deadline());
    subject.on_time(now);
  }
  void make_failed(const char* why = "it burnt") {
    static_cast<void>(request());
    subject.failed(now, why);
    subject.ended(now);
    ASSERT_EQ(subject.state(), service_state::failed);
    done.clear();
  }
  void with(const life_options& wanted) { subject.update(wanted, now); }

  time_point now = time_point{} + 1h;
  strings done, states;
  life_options options{.idle_timeout = 60s, .drain_timeout = 30s, .backoff = 1s, .backoff_cap = 8s};
  life subject{options, *this};
};

TEST_F(Life, OneStartHoweverManyWait) {
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(request(), verdict::wait);
  EXPECT_EQ(effects(), strings{"start"});
  subject.came_up(now);
  EXPECT_EQ(effects(), strings{"open"});
  EXPECT_EQ(request(), verdict::pass);
  EXPECT_EQ(states, (strings{"stopped to starting", "starting to ready"}));
}

TEST_F(Life, AFailedStartRefusesWhoWaitsAndSaysWhy) {
  static_cast<void>(request());
  subject.failed(now, "exited with status 3 before it was ready");
  EXPECT_EQ(effects(), (strings{"start", "refuse: exited with status 3 before it was ready, 1000",
                                "stop at fault"}));
  EXPECT_EQ(subject.state(), service_state::stopping);
  subject.ended(now);
  EXPECT_EQ(subject.state(), service_state::failed);
  EXPECT_EQ(subject.why(), "exited with status 3 before it was ready");
  EXPECT_TRUE(effects().empty());
}

TEST_F(Life, ARequestDuringTheBackOffIsRefusedWithTheTimeLeft) {
  make_failed();
  now += 400ms;
  const auto answer = subject.request(now);
  EXPECT_EQ(answer.what, verdict::refused);
  EXPECT_EQ(answer.retry_after, 600ms);
  EXPECT_EQ(answer.why, "it burnt");
  now += 600ms;
  EXPECT_EQ(request(), verdict::wait);
  EXPECT_EQ(effects(), strings{"start"});
}

TEST_F(Life, WhoWaitsInTheQueueOfItsSocketIsServedByTheNextStart) {
  make_ready();
  subject.failed(now, "was killed by SIGKILL");
  subject.ended(now);
  static_cast<void>(effects());
  subject.queued(now);
  EXPECT_TRUE(effects().empty()) << "not before its time";
  wait();
  EXPECT_EQ(effects(), strings{"start"});
  subject.queued(now);
  EXPECT_TRUE(effects().empty()) << "it is on its way";
}

TEST_F(Life, WhoComesBehindACrashWaitsForTheNextStartIfThatIsSoon) {
  make_ready();
  subject.failed(now, "was killed by SIGKILL");
  EXPECT_EQ(subject.request(now).what, admission::verdict::wait);
  subject.ended(now);
  static_cast<void>(effects());
  EXPECT_EQ(subject.request(now).what, admission::verdict::wait);
  EXPECT_TRUE(effects().empty()) << "not before its time";
  wait();
  EXPECT_EQ(effects(), strings{"start"});
  subject.came_up(now);
  subject.failed(now, "was killed by SIGKILL");
  EXPECT_EQ(subject.request(now).what, admission::verdict::refused) << "again and again";
  subject.ended(now);
  EXPECT_TRUE(subject.refuses(now));
}

TEST_F(Life, WhoComesWhileAFailedStartEndsIsRefused) {
  subject.start(now);
  subject.failed(now, "exited with status 3 before it was ready");
  const auto told = subject.request(now);
  EXPECT_EQ(told.what, admission::verdict::refused);
  EXPECT_EQ(told.why, "exited with status 3 before it was ready");
  EXPECT_EQ(told.retry_after, 1s);
}

TEST_F(Life, TheBackOffDoublesUpToItsCapAndASuccessForgetsIt) {
  for (const auto pause : {1s, 2s, 4s, 8s, 8s}) {
    make_failed();
    EXPECT_EQ(*subject.retry_at() - now, pause);
    now = *subject.retry_at();
  }
  make_ready();
  EXPECT_TRUE(subject.why().empty());
  now += 11s;
  subject.failed(now, "was killed by SIGSEGV");
  EXPECT_EQ(subject.failures(), 0U);
}

TEST_F(Life, TheOperatorNeedNotWaitForTheBackOff) {
  make_failed();
  EXPECT_TRUE(subject.start(now));
  EXPECT_EQ(effects(), strings{"start"});
  EXPECT_EQ(subject.failures(), 0U);
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

TEST_F(Life, ACrashClosesTheDoorsAndWhoComesWaitsForANewStart) {
  make_ready();
  now += 10s;
  subject.failed(now, "was killed by SIGSEGV");
  EXPECT_EQ(effects(), (strings{"close", "stop at fault"}));
  EXPECT_EQ(request(), verdict::wait);
  subject.ended(now);
  EXPECT_EQ(effects(), strings{"start"}) << "it was steady: no pause";
}

TEST_F(Life, ACrashSoonAfterTheStartWaitsForTheBackOffThenStartsForWhoWaits) {
  make_ready();
  now += 100ms;
  subject.failed(now, "was killed by SIGSEGV");
  EXPECT_EQ(request(), verdict::wait);
  done.clear();
  subject.ended(now);
  EXPECT_EQ(subject.state(), service_state::failed);
  EXPECT_TRUE(effects().empty());
  wait();
  EXPECT_EQ(effects(), strings{"start"});
}

TEST_F(Life, AFailureWhileItStopsChangesNothing) {
  make_ready();
  subject.kill(now);
  done.clear();
  subject.failed(now, "was killed by SIGTERM");
  EXPECT_EQ(subject.state(), service_state::stopping);
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

TEST_F(Life, WhatCannotBeEndedIsAFailureAndNotStartedASecondTime) {
  make_ready();
  subject.kill(now);
  subject.ended(now, "process 12 does not end");
  EXPECT_EQ(subject.state(), service_state::failed);
  EXPECT_EQ(subject.why(), "process 12 does not end");
  EXPECT_EQ(request(), verdict::refused);
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

#include "unit/ondemand/life/life_fixture.hpp"

namespace baton::ondemand {
namespace {

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

TEST_F(Life, WhatCannotBeEndedIsAFailureAndNotStartedASecondTime) {
  make_ready();
  subject.kill(now);
  subject.ended(now, "process 12 does not end");
  EXPECT_EQ(subject.state(), service_state::failed);
  EXPECT_EQ(subject.why(), "process 12 does not end");
  EXPECT_EQ(request(), verdict::refused);
}

}  // namespace
}  // namespace baton::ondemand

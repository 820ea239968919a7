#include "admin/timeline.hpp"

#include <gtest/gtest.h>

#include <string>

namespace baton::admin {
namespace {

using lineage::phase;

TEST(Timeline, FollowsTheLifeOfOneGeneration) {
  timeline line{1, 10, 100};
  EXPECT_EQ(line.entries().at(0).started, 100);
  line.enter(phase::serving, 150);
  line.enter(phase::upgrading, 200);
  EXPECT_EQ(line.json().at("upgrading").as_int64(), 200);
  line.enter(phase::draining, 250);
  EXPECT_EQ(line.json().at("upgrading").as_int64(), 0);
  line.enter(phase::stopped, 300);
  const auto& own = line.entries().at(0);
  EXPECT_EQ(own.serving, 150);
  EXPECT_EQ(own.draining, 250);
  EXPECT_EQ(own.gone, 300);
}

TEST(Timeline, AFailedUpgradeLeavesTheGenerationServingAndIsRemembered) {
  timeline line{1, 10, 100};
  line.enter(phase::serving, 150);
  line.enter(phase::upgrading, 200);
  line.fail("the child was late", 260);
  line.enter(phase::serving, 260);
  EXPECT_EQ(line.entries().at(0).draining, 0);
  EXPECT_EQ(line.entries().at(0).serving, 150);
  ASSERT_EQ(line.failures().size(), 1U);
  EXPECT_EQ(line.failures()[0].at, 260);
  timeline next{2, 20, 300};
  ASSERT_TRUE(next.learn(line.text()));
  ASSERT_TRUE(next.learn(line.text()));
  EXPECT_EQ(next.failures().size(), 1U);
}

TEST(Timeline, CrossesRestartsAndKnowsWhenTheOneBeforeStoppedServing) {
  timeline first{1, 10, 100};
  first.enter(phase::serving, 150);
  first.enter(phase::upgrading, 200);
  timeline second{2, 20, 210};
  ASSERT_TRUE(second.learn(first.text()));
  second.enter(phase::serving, 260);
  ASSERT_EQ(second.entries().size(), 2U);
  EXPECT_EQ(second.entries()[0].pid, 10);
  EXPECT_EQ(second.entries()[0].draining, 260);
  EXPECT_EQ(second.entries()[0].gone, 0);
  EXPECT_EQ(second.lingering(), std::vector<pid_t>{10});

  // The farewell of the first.
  first.enter(phase::draining, 259);
  first.end("drained", 900);
  ASSERT_TRUE(second.learn(first.text()));
  EXPECT_EQ(second.entries()[0].draining, 259) << "it knew better";
  EXPECT_EQ(second.entries()[0].gone, 900);
  EXPECT_EQ(second.entries()[0].end, "drained");
  second.lose(10, 901);
  EXPECT_EQ(second.entries()[0].gone, 900);
  EXPECT_EQ(second.entries()[0].end, "drained");
  EXPECT_TRUE(second.lingering().empty());
}

TEST(Timeline, TheEndMayBeSeenBeforeItIsTold) {
  timeline first{1, 10, 100};
  timeline second{2, 20, 210};
  ASSERT_TRUE(second.learn(first.text()));
  second.lose(10, 300);
  EXPECT_EQ(second.entries()[0].gone, 300);
  EXPECT_EQ(second.entries()[0].end, "");
  first.end("drained", 299);
  ASSERT_TRUE(second.learn(first.text()));
  EXPECT_EQ(second.entries()[0].gone, 300);
  EXPECT_EQ(second.entries()[0].end, "drained");
}

TEST(Timeline, ATakenBackHandoverServesAgain) {
  timeline line{1, 10, 100};
  line.enter(phase::serving, 150);
  line.enter(phase::upgrading, 200);
  line.enter(phase::draining, 250);
  line.enter(phase::serving, 260);
  EXPECT_EQ(line.entries().at(0).draining, 0);
}

TEST(Timeline, ACrashedGenerationAndItsReplacementHaveTheSameNumberAndAreTwo) {
  timeline before{2, 20, 100};
  before.enter(phase::serving, 110);
  timeline after{2, 30, 500};
  ASSERT_TRUE(after.learn(before.text()));
  after.lose(20, 501);
  ASSERT_EQ(after.entries().size(), 2U);
  EXPECT_EQ(after.entries()[0].pid, 20);
  EXPECT_EQ(after.entries()[0].gone, 501);
  EXPECT_EQ(after.entries()[1].pid, 30);
  EXPECT_EQ(after.entries()[1].gone, 0);
}

TEST(Timeline, NobodyKnowsAGenerationBetterThanItself) {
  timeline line{2, 20, 100};
  ASSERT_TRUE(line.learn(
      R"({"generations": [{"generation": 2, "pid": 20, "started": 1, "gone": 5}], "failures": []})"));
  EXPECT_EQ(line.entries().at(0).gone, 0);
  EXPECT_EQ(line.entries().at(0).started, 100);
}

TEST(Timeline, WhatCannotBeReadIsSaidAndChangesNothing) {
  for (const auto* text : {"", "[]", "{}", "nonsense", R"({"generations": 7, "failures": []})",
                           R"({"generations": [7], "failures": []})",
                           R"({"generations": [{"pid": "x"}], "failures": []})"}) {
    timeline line{1, 10, 100};
    EXPECT_FALSE(line.learn(text)) << text;
    EXPECT_EQ(line.entries().size(), 1U) << text;
  }
}

TEST(Timeline, KeepsTheLatest) {
  std::string text;
  for (std::uint32_t n = 1; n <= 200; ++n) {
    timeline line{n, static_cast<pid_t>(1000 + n), n};
    if (n > 1) {
      ASSERT_TRUE(line.learn(text));
    }
    line.enter(phase::serving, n);
    line.fail("again", n);
    text = line.text();
  }
  timeline last{201, 5000, 201};
  ASSERT_TRUE(last.learn(text));
  EXPECT_EQ(last.entries().size(), timeline::most);
  EXPECT_EQ(last.entries().back().generation, 201U);
  EXPECT_EQ(last.entries().front().generation, 201U - timeline::most + 1);
  EXPECT_EQ(last.failures().size(), timeline::most);
}

TEST(Timeline, AReasonOfAnyBytesAndAnyLengthReachesTheNextGeneration) {
  timeline line{1, 10, 100};
  line.fail("the program \"/opt/\xff\" cannot be executed", 200);
  line.fail(std::string(999, 'x') + "\u00e4\u00e4", 300);
  timeline next{2, 20, 400};
  ASSERT_TRUE(next.learn(line.text()));
  ASSERT_EQ(next.failures().size(), 2U);
  EXPECT_EQ(next.failures()[0].reason, "the program \"/opt/\\xff\" cannot be executed");
  EXPECT_EQ(next.failures()[1].reason, std::string(999, 'x'));
}

}  // namespace
}  // namespace baton::admin

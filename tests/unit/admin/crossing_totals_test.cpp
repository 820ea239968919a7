// Counters over a restart: whoever asks the old and the new generation, in any order, sees none
// fall, and in the end nothing is missing.
#include "admin/crossing_totals.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace baton::admin::test {
namespace {

using lineage::phase;
using namespace std::chrono_literals;

/// One generation with one counter.
struct generation {
  std::uint64_t done = 0;
  crossing_totals crossing{[this] {
    totals made;
    made.counts["done"] = done;
    made.times["took"].add(http::durations::bucket_of(1ms), done);
    made.served.of("web").requests[0][1] = done;
    return made;
  }};
  crossing_totals::clock::time_point now{};

  void enter(phase now_in) { crossing.enter(now_in, now); }
  [[nodiscard]] std::uint64_t told() const {
    const auto found = crossing.told(now);
    EXPECT_EQ(found.served.find("web") != nullptr ? found.served.find("web")->requests[0][1] : 0,
              found.count("done"));
    EXPECT_EQ(found.times.contains("took") ? found.times.at("took").count() : 0,
              found.count("done"));
    return found.count("done");
  }
};

TEST(CrossingTotals, GoOnInTheNextGenerationAndTakeTheRestOver) {
  generation old;
  old.enter(phase::serving);
  old.done = 100;
  EXPECT_EQ(old.told(), 100U);

  old.enter(phase::upgrading);
  const auto handed = old.crossing.hand_over();
  generation next;
  next.crossing.inherit(handed);
  old.done = 120;
  next.done = 5;  // both accept by now
  EXPECT_EQ(old.told(), 100U);
  EXPECT_EQ(next.told(), 100U);
  EXPECT_FALSE(old.crossing.handed_over());

  next.enter(phase::serving);
  EXPECT_EQ(old.told(), 100U);
  EXPECT_EQ(next.told(), 100U) << "the old one may not know yet";
  old.enter(phase::draining);
  EXPECT_TRUE(old.crossing.handed_over());
  old.done = 130;
  next.done = 50;
  next.now += crossing_totals::hold;
  EXPECT_EQ(next.told(), 150U);

  next.crossing.add_rest(old.crossing.rest());
  EXPECT_EQ(next.told(), 180U);
}

TEST(CrossingTotals, GoOnWhereTheyWereIfTheUpgradeFails) {
  generation old;
  old.enter(phase::serving);
  old.done = 10;
  old.enter(phase::upgrading);
  (void)old.crossing.hand_over();
  old.done = 15;
  EXPECT_EQ(old.told(), 10U);
  old.enter(phase::serving);
  EXPECT_EQ(old.told(), 15U);
  EXPECT_FALSE(old.crossing.handed_over());
}

TEST(CrossingTotals, GoOnInTheOldGenerationIfTheNewOneDiesOnProbation) {
  generation old;
  old.enter(phase::serving);
  old.done = 10;
  old.enter(phase::upgrading);
  (void)old.crossing.hand_over();
  old.enter(phase::draining);
  EXPECT_TRUE(old.crossing.handed_over());
  old.done = 12;
  old.enter(phase::serving);
  EXPECT_FALSE(old.crossing.handed_over());
  EXPECT_EQ(old.told(), 12U);
}

TEST(CrossingTotals, ALeavingGenerationTellsAllItDid) {
  generation last;
  last.enter(phase::serving);
  last.done = 7;
  last.enter(phase::announcing);
  last.enter(phase::draining);
  last.done = 9;
  EXPECT_EQ(last.told(), 9U);
  EXPECT_FALSE(last.crossing.handed_over());
}

TEST(CrossingTotals, WhatIsWrittenForASupervisorFreezesNothing) {
  generation one;
  one.enter(phase::serving);
  one.done = 3;
  EXPECT_FALSE(one.crossing.hand_over().empty());
  one.done = 4;
  EXPECT_EQ(one.told(), 4U);
}

TEST(CrossingTotals, NeverFallWhoeverIsAskedAtWhatMoment) {
  std::uint64_t seen = 0;
  const auto ask = [&](const generation& whom) {
    if (whom.crossing.handed_over()) return;  // it sends the scraper on
    EXPECT_GE(whom.told(), seen);
    seen = whom.told();
  };
  auto old = std::make_unique<generation>();
  old->enter(phase::serving);
  for (int i = 0; i < 50; ++i) {
    old->done += 17;
    ask(*old);
    old->enter(phase::upgrading);
    const auto handed = old->crossing.hand_over();
    auto next = std::make_unique<generation>();
    next->crossing.inherit(handed);
    for (const bool ready : {false, true}) {
      if (ready) next->enter(phase::serving);
      old->done += 3;
      next->done += 5;
      ask(*next);
      ask(*old);
      ask(*next);
    }
    old->enter(phase::draining);
    ask(*next);
    next->now += crossing_totals::hold;
    ask(*next);
    next->crossing.add_rest(old->crossing.rest());
    ask(*next);
    EXPECT_EQ(next->told(), static_cast<std::uint64_t>(i + 1) * (17 + 6 + 10));
    old = std::move(next);
  }
}

TEST(CrossingTotals, ForgetListenersThatAreNoMore) {
  generation old;
  old.enter(phase::serving);
  old.done = 5;
  generation next;
  next.crossing.inherit(old.crossing.hand_over());
  next.crossing.prune([](const std::string& listener) { return listener != "web"; });
  EXPECT_EQ(next.crossing.told({}).served.find("web"), nullptr);
  EXPECT_EQ(next.crossing.told({}).count("done"), 5U);
}

TEST(CrossingTotals, WhatCannotBeReadChangesNothing) {
  generation one;
  one.done = 5;
  for (const auto* text :
       {"", "{", "{}", "[]", R"({"counts":{"done":-1},"times":{},"listeners":[]})",
        R"({"counts":{"done":"many"},"times":{},"listeners":[]})"}) {
    EXPECT_ANY_THROW(one.crossing.inherit(text)) << text;
    EXPECT_ANY_THROW(one.crossing.add_rest(text)) << text;
  }
  EXPECT_EQ(one.told(), 5U);
}

}  // namespace
}  // namespace baton::admin::test

#include "baton/net/registry.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <vector>

namespace baton::net {
namespace {

struct item final : drainable {
  explicit item(registry& all) : in{all} { in.enter(*this); }
  ~item() override { in.leave(*this); }
  void announce() override {
    ++announced;
    if (action) action();
  }
  void close_when_idle() override { ++closed; }
  void drop(error_code reason) override { dropped = reason; }

  registry& in;
  int announced = 0;
  int closed = 0;
  error_code dropped;
  std::function<void()> action;
};

class Registry : public ::testing::Test {
 protected:
  void fill(int count) {
    for (int i = 0; i < count; ++i) items.push_back(std::make_unique<item>(all));
  }
  registry all;
  std::vector<std::unique_ptr<item>> items;
};

TEST_F(Registry, CountsWhoEntersAndLeaves) {
  fill(3);
  EXPECT_EQ(all.size(), 3U);
  all.leave(*items[1]);
  all.leave(*items[1]);  // a second time changes nothing
  EXPECT_EQ(all.size(), 2U);
  items.clear();
  EXPECT_EQ(all.size(), 0U);
}

TEST_F(Registry, EachVerbReachesEverybodyOnce) {
  fill(4);
  all.announce();
  all.close_when_idle();
  all.drop(error_code{ETIMEDOUT, boost::system::system_category()});
  for (const auto& each : items) {
    EXPECT_EQ(each->announced, 1);
    EXPECT_EQ(each->closed, 1);
    EXPECT_EQ(each->dropped.value(), ETIMEDOUT);
  }
}

TEST_F(Registry, SomebodyMayLeaveInsideAVerb) {
  fill(5);
  for (auto& each : items) each->action = [this, self = each.get()] { all.leave(*self); };
  all.announce();
  for (const auto& each : items) EXPECT_EQ(each->announced, 1);
  EXPECT_EQ(all.size(), 0U);
}

TEST_F(Registry, AnyOtherMayDieInsideAVerb) {
  for (std::size_t actor = 0; actor < 5; ++actor) {
    for (std::size_t victim = 0; victim < 5; ++victim) {
      if (actor == victim) continue;
      items.clear();
      fill(5);
      items[actor]->action = [&] { items[victim].reset(); };
      all.announce();
      for (const auto& each : items) {
        if (each) {
          EXPECT_EQ(each->announced, 1) << actor << " kills " << victim;
        }
      }
      EXPECT_EQ(all.size(), 4U);
    }
  }
}

TEST_F(Registry, EverybodyMayDieInsideAVerb) {
  fill(5);
  int calls = 0;
  items[2]->action = [&] {
    ++calls;
    // The one that acts stays until its verb is over, as a retired connection does.
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i != 2) items[i].reset();
    }
  };
  all.announce();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(all.size(), 1U);
}

TEST_F(Registry, WhoEntersInsideAVerbIsNotVisitedByIt) {
  fill(2);
  items[0]->action = [this] { items.push_back(std::make_unique<item>(all)); };
  all.announce();
  ASSERT_EQ(items.size(), 3U);
  EXPECT_EQ(items[2]->announced, 0);
  all.close_when_idle();
  EXPECT_EQ(items[2]->closed, 1);
}

TEST_F(Registry, LeavingAndEnteringAgainIsNotASecondVisit) {
  fill(3);
  for (auto& each : items) {
    each->action = [this, self = each.get()] {
      all.leave(*self);
      all.enter(*self);
    };
  }
  all.announce();
  for (const auto& each : items) EXPECT_EQ(each->announced, 1);
}

TEST_F(Registry, AVerbInsideAVerbVisitsEverybodyAndTheOuterOneGoesOn) {
  fill(4);
  items[2]->action = [this] {
    all.close_when_idle();
    items[1].reset();
  };
  all.announce();
  for (std::size_t i : {0U, 2U, 3U}) {
    EXPECT_EQ(items[i]->announced, 1);
    EXPECT_EQ(items[i]->closed, 1);
  }
}

TEST_F(Registry, AVerbThatThrowsLeavesTheRegistryUsable) {
  fill(3);
  items[1]->action = [] { throw std::runtime_error{"a handler's"}; };
  EXPECT_THROW(all.announce(), std::runtime_error);
  items[1]->action = nullptr;
  items[0].reset();
  all.close_when_idle();
  EXPECT_EQ(items[1]->closed, 1);
  EXPECT_EQ(items[2]->closed, 1);
}

}  // namespace
}  // namespace baton::net

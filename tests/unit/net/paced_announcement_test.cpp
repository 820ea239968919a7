#include "baton/net/paced_announcement.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "support.hpp"

namespace baton::net {
namespace {

using std::chrono::milliseconds;
using clock = std::chrono::steady_clock;

struct told_when final : drainable {
  explicit told_when(registry& all) : in{all} { in.enter(*this); }
  ~told_when() override { in.leave(*this); }
  void announce() override {
    ++times;
    at = clock::now();
  }
  void close_when_idle() override {}
  void drop(error_code) override {}

  registry& in;
  int times = 0;
  clock::time_point at;
};

class PacedAnnouncement : public test::no_descriptor_leaks {
 protected:
  void fill(int count) {
    for (int i = 0; i < count; ++i) items.push_back(std::make_unique<told_when>(all));
  }
  [[nodiscard]] std::size_t told() const {
    return static_cast<std::size_t>(std::count_if(
        items.begin(), items.end(), [](const auto& each) { return each->times != 0; }));
  }
  boost::asio::io_context context{1};
  timer_wheel wheel{context};
  registry all;
  std::vector<std::unique_ptr<told_when>> items;
};

TEST_F(PacedAnnouncement, WithoutTimeTellsAllAtOnce) {
  fill(100);
  const paced_announcement now{all, wheel, milliseconds{0}};
  EXPECT_EQ(told(), 100U);
  EXPECT_EQ(wheel.armed(), 0U);
}

TEST_F(PacedAnnouncement, TellsEachOnceAndNoMoreThanItsShareInATick) {
  fill(200);
  const paced_announcement slowly{all, wheel, milliseconds{1000}};
  EXPECT_EQ(told(), 10U);  // 20 ticks
  std::size_t before = told();
  ASSERT_TRUE(test::run_until(context, [&] {
    const auto now = told();
    EXPECT_LE(now - before, 10U);
    before = now;
    return now == 200;
  }));
  for (const auto& each : items) EXPECT_EQ(each->times, 1);
}

TEST_F(PacedAnnouncement, WhoeverLeftIsNotTold_WhoeverCameLaterNeither) {
  fill(40);
  const paced_announcement slowly{all, wheel, milliseconds{200}};
  EXPECT_EQ(told(), 10U);
  // Not told yet: the older half, as new ones stand in front.
  const auto waiting =
      std::find_if(items.begin(), items.end(), [](const auto& each) { return each->times == 0; });
  ASSERT_NE(waiting, items.end());
  items.erase(waiting);
  fill(1);
  ASSERT_TRUE(test::run_until(context, [&] { return wheel.armed() == 0; }));
  EXPECT_EQ(told(), 39U);
  EXPECT_EQ(items.back()->times, 0);
}

TEST_F(PacedAnnouncement, EndsWithTheObject) {
  fill(40);
  {
    const paced_announcement slowly{all, wheel, milliseconds{200}};
    EXPECT_EQ(wheel.armed(), 1U);
  }
  EXPECT_EQ(wheel.armed(), 0U);
  EXPECT_EQ(told(), 10U);
}

TEST(ComebackTime, GrowsWithTheNumber) {
  EXPECT_EQ(comeback_time(0), milliseconds{0});
  EXPECT_LT(comeback_time(300), 2 * timer_wheel::tick);  // a few: at once
  EXPECT_EQ(comeback_time(100'000), milliseconds{25'000});
}

}  // namespace
}  // namespace baton::net

#include "admin/metrics_history.hpp"

#include <gtest/gtest.h>

#include <initializer_list>

namespace baton::admin {
namespace {

using namespace std::chrono_literals;

class History : public testing::Test {
 protected:
  /// A sample with the number `n`, at `n` seconds.
  void take(std::int64_t n) {
    history_.take({}, {{"n", n}}, start_ + std::chrono::seconds{n},
                  std::chrono::system_clock::time_point{std::chrono::seconds{n}});
  }
  void expect(std::initializer_list<std::int64_t> wanted) {
    std::vector<std::int64_t> found;
    for (const auto& each : history_.samples()) found.push_back(each.at("n").as_int64());
    EXPECT_EQ(found, std::vector<std::int64_t>(wanted));
  }
  [[nodiscard]] bool due(std::int64_t at) const {
    return history_.due(start_ + std::chrono::seconds{at});
  }

  const metrics_history::clock::time_point start_ = metrics_history::clock::now();
  metrics_history history_{10s, 3};
};

TEST_F(History, KeepsTheLatest) {
  EXPECT_TRUE(due(0));
  take(0);  // the first look has nothing to compare with
  expect({});
  EXPECT_FALSE(due(9));
  EXPECT_TRUE(due(10));
  for (const auto each : {10, 20, 30, 40}) take(each);
  expect({20, 30, 40});
}

TEST_F(History, AnotherSizeKeepsWhatFits) {
  for (const auto each : {0, 10, 20, 30}) take(each);
  history_.resize(10s, 5);
  expect({10, 20, 30});
  take(40);
  expect({10, 20, 30, 40});
  history_.resize(10s, 2);
  expect({30, 40});
  take(50);
  expect({40, 50});
}

TEST_F(History, AnotherStepCountsFromTheLastSample) {
  take(0);
  take(10);
  history_.resize(2s, 3);
  EXPECT_FALSE(due(11));
  EXPECT_TRUE(due(12));
  history_.resize(60s, 3);
  EXPECT_FALSE(due(69));
  EXPECT_TRUE(due(70));
  expect({10});
}

TEST_F(History, BeforeTheFirstSampleTheNextOneIsDueAtOnce) {
  history_.resize(60s, 3);
  EXPECT_TRUE(due(0));
}

}  // namespace
}  // namespace baton::admin

// How long things took, in buckets: where their bounds are, and what comes back out.
#include "baton/http/durations.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace baton::http::test {
namespace {

using std::chrono::nanoseconds;
using namespace std::chrono_literals;

durations counted(const std::vector<nanoseconds>& all) {
  durations made;
  for (const auto each : all) {
    made.add(durations::bucket_of(each));
    made.add_sum(each);
  }
  return made;
}

TEST(Durations, BoundsGrowByAnEighthAtMost) {
  for (std::size_t i = 1; i + 1 < durations::bucket_count; ++i) {
    const auto from = static_cast<double>(durations::upper_bound(i - 1).count());
    const auto to = static_cast<double>(durations::upper_bound(i).count());
    EXPECT_GT(to, from) << i;
    EXPECT_LE(to, from * 1.125 + 1e-6) << i;
  }
  EXPECT_EQ(durations::upper_bound(0), 1us);
  EXPECT_EQ(durations::upper_bound(durations::bucket_count - 2), 100s);
  EXPECT_EQ(durations::upper_bound(durations::bucket_count - 1), nanoseconds::max());
}

TEST(Durations, ABoundBelongsBelowItselfAndWhatIsLongerDoesNot) {
  for (std::size_t i = 0; i + 1 < durations::bucket_count; ++i) {
    const auto bound = durations::upper_bound(i);
    EXPECT_EQ(durations::bucket_of(bound), i) << bound.count();
    EXPECT_EQ(durations::bucket_of(bound + 50ns), i + 1) << bound.count();
  }
  EXPECT_EQ(durations::bucket_of(0ns), 0U);
  EXPECT_EQ(durations::bucket_of(-5ns), 0U);
  EXPECT_EQ(durations::bucket_of(24h), durations::bucket_count - 1);
}

TEST(Durations, DecimalBoundsAreExact) {
  for (auto power = 1us; power <= 10s; power *= 10)
    for (const int tenths : {10, 20, 25, 50, 75}) {
      const nanoseconds bound = power * tenths / 10;
      const auto one = counted({bound, bound + 50ns, bound - 50ns});
      EXPECT_EQ(one.at_most(bound), 2U) << bound.count();
    }
}

TEST(Durations, QuantilesAreOffBySixPercentAtMost) {
  std::mt19937_64 random{7};
  std::uniform_real_distribution<double> exponent{3.0, 11.0};  // 1 us to 100 s
  std::vector<nanoseconds> all;
  for (int i = 0; i < 20'000; ++i)
    all.emplace_back(static_cast<std::int64_t>(std::pow(10.0, exponent(random))) + 1);
  const auto found = counted(all);
  std::sort(all.begin(), all.end());
  EXPECT_EQ(found.count(), all.size());
  for (const double part : {0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<std::size_t>(std::ceil(part * static_cast<double>(all.size())));
    const auto exact = static_cast<double>(all[std::max<std::size_t>(rank, 1) - 1].count());
    const auto told = static_cast<double>(found.quantile(part).count());
    EXPECT_LE(std::abs(told - exact) / exact, 0.06) << part;
  }
}

TEST(Durations, NothingCountedHasNoQuantile) {
  EXPECT_EQ(durations{}.quantile(0.99), 0ns);
  EXPECT_EQ(durations{}.count(), 0U);
  EXPECT_EQ(durations{}.at_most(1s), 0U);
}

TEST(Durations, AddUpAndSubtract) {
  const auto early = counted({3us, 40ms});
  auto late = early;
  late += counted({40ms, 7s});
  EXPECT_EQ(late.count(), 4U);
  EXPECT_EQ(late.sum(), 3us + 40ms + 40ms + 7s);
  late -= early;
  EXPECT_EQ(late.count(), 2U);
  EXPECT_EQ(late.sum(), 40ms + 7s);
  EXPECT_EQ(late.at_most(1s), 1U);
  late -= counted({1us});  // never below nothing
  EXPECT_EQ(late.count(), 2U);
}

}  // namespace
}  // namespace baton::http::test

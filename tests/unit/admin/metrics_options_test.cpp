#include "admin/metrics_options.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "baton/base/error.hpp"

namespace baton::admin {
namespace {

std::string wrong(const metrics_options& options) {
  try {
    verify(options);
    return {};
  } catch (const setup_error& error) {
    return error.what();
  }
}

TEST(MetricsOptions, TheDefaultsAreGood) { EXPECT_EQ(wrong({}), ""); }

TEST(MetricsOptions, BucketsThatMakeNoSenseAreNamed) {
  EXPECT_EQ(wrong({.latency_buckets = {0.000001, 100}}), "");
  EXPECT_NE(wrong({.latency_buckets = {}}).find("0 latency buckets"), std::string::npos);
  EXPECT_NE(wrong({.latency_buckets = std::vector<double>(65, 1)}).find("65 latency buckets"),
            std::string::npos);
  EXPECT_NE(wrong({.latency_buckets = {0.5, 0.25}}).find("0.25 s stands behind that of 0.5 s"),
            std::string::npos);
  EXPECT_NE(wrong({.latency_buckets = {0.5, 0.5}}).find("0.5 s stands behind"), std::string::npos);
  EXPECT_NE(wrong({.latency_buckets = {0}}).find("bucket of 0 s is out of range"),
            std::string::npos);
  EXPECT_NE(wrong({.latency_buckets = {101}}).find("101 s"), std::string::npos);
  EXPECT_NE(wrong({.latency_buckets = {std::numeric_limits<double>::quiet_NaN()}}), "");
}

TEST(MetricsOptions, AHistoryOfNothingIsRefused) {
  EXPECT_NE(wrong({.history_step = std::chrono::seconds{0}}).find("a step of 0 s"),
            std::string::npos);
  EXPECT_NE(wrong({.history_size = 0}).find("0 samples"), std::string::npos);
}

}  // namespace
}  // namespace baton::admin

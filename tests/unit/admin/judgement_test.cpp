#include "admin/judgement.hpp"

#include <gtest/gtest.h>

#include "baton/base/error.hpp"

namespace baton::admin {
namespace {

using namespace std::chrono_literals;

const health_options options;
const auto begin = error_window::time_point{} + 1h;

TEST(Judgement, OnlyWhatIsBeyondAThresholdIsWorse) {
  EXPECT_EQ(judge(0.7, options.connections, "x").status, health_status::healthy);
  EXPECT_EQ(judge(0.71, options.connections, "x").status, health_status::degraded);
  EXPECT_EQ(judge(0.9, options.connections, "x").status, health_status::degraded);
  EXPECT_EQ(judge(0.91, options.connections, "x").status, health_status::unhealthy);
  EXPECT_EQ(judge(0.91, options.connections, "91 of 100").reason,
            "91 of 100; more than 0.9 is unhealthy");
  EXPECT_EQ(judge(0.5, options.connections, "x").reason, "");
  EXPECT_EQ(judge(1e9, {0, 0}, "off").status, health_status::healthy);
}

TEST(Judgement, ThresholdsThatContradictThemselvesAreRefused) {
  EXPECT_NO_THROW(verify({0, 0}, "x"));
  EXPECT_NO_THROW(verify({0.5, 0.5}, "x"));
  EXPECT_THROW(verify({0.9, 0.7}, "x"), setup_error);
  EXPECT_THROW(verify({-0.1, 0.7}, "x"), setup_error);
}

TEST(ErrorWindow, SaysTheShareOfFailedAnswersOfTheLastWhile) {
  error_window window;
  window.note(begin, 1000, 500, 60s);
  EXPECT_EQ(window.judge(options).status, health_status::healthy) << "what was before is over";
  window.note(begin + 10s, 1100, 500, 60s);
  EXPECT_EQ(window.judge(options).status, health_status::healthy);
  window.note(begin + 20s, 1200, 512, 60s);
  EXPECT_EQ(window.errors(), 12U);
  EXPECT_EQ(window.answers(), 200U);
  EXPECT_EQ(window.judge(options).status, health_status::degraded);
  window.note(begin + 30s, 1300, 540, 60s);
  EXPECT_EQ(window.judge(options).status, health_status::unhealthy);
  window.note(begin + 95s, 2000, 540, 60s);
  EXPECT_EQ(window.errors(), 0U) << "older than a minute";
  EXPECT_EQ(window.judge(options).status, health_status::healthy);
}

TEST(ErrorWindow, AFewAnswersSayNothing) {
  error_window window;
  window.note(begin, 0, 0, 60s);
  window.note(begin + 1s, 19, 19, 60s);
  EXPECT_EQ(window.judge(options).status, health_status::healthy);
  window.note(begin + 2s, 20, 20, 60s);
  EXPECT_EQ(window.judge(options).status, health_status::unhealthy);
}

TEST(Judgement, BytesAreWrittenForPeople) {
  EXPECT_EQ(bytes_text(0), "0 bytes");
  EXPECT_EQ(bytes_text(1023), "1023 bytes");
  EXPECT_EQ(bytes_text(1536), "1.5 KiB");
  EXPECT_EQ(bytes_text(std::uint64_t{5} << 30), "5.0 GiB");
}

}  // namespace
}  // namespace baton::admin

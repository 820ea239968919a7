#include "server/upgrade_watch.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "baton/lineage/upgrade_error.hpp"

namespace baton {
namespace {

TEST(UpgradeWatch, ReportsASuccessWithItsTimes) {
  upgrade_watch watch;
  std::optional<upgrade_report> report;
  watch.add([&](const upgrade_report& told) { report = told; });
  watch.begin();
  watch.spawned(12);
  watch.end({});
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->outcome);
  EXPECT_EQ(report->child, 12);
  EXPECT_EQ(report->spawn + report->start_up, report->total);
}

TEST(UpgradeWatch, ReportsAFailureWithoutAChildAndForgetsTheOneBefore) {
  upgrade_watch watch;
  std::optional<upgrade_report> report;
  watch.add([&](const upgrade_report& told) { report = told; });
  watch.begin();
  watch.spawned(12);
  watch.end({});
  watch.begin();
  watch.end(make_error_code(lineage::upgrade_error::spawn_failed));
  EXPECT_EQ(report->outcome, lineage::upgrade_error::spawn_failed);
  EXPECT_EQ(report->child, 0);
  EXPECT_EQ(report->start_up.count(), 0);
}

TEST(UpgradeWatch, AFailureHasAReasonAndASuccessHasNone) {
  upgrade_watch watch;
  watch.begin();
  watch.failed("the new process (pid 12) exited with status 3");
  EXPECT_EQ(watch.end(make_error_code(lineage::upgrade_error::child_exited)).reason,
            "the new process (pid 12) exited with status 3");
  watch.begin();
  EXPECT_EQ(watch.end({}).reason, "");
  watch.begin();
  const auto code = make_error_code(lineage::upgrade_error::not_serving);
  EXPECT_EQ(watch.end(code).reason, code.message());
}

}  // namespace
}  // namespace baton

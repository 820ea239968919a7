#include "admin/families.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "admin/restart_outcome.hpp"
#include "baton/admin/exposition.hpp"

namespace baton::admin {
namespace {

const bucket_bounds bounds{{0.1, 1}};

const prometheus::MetricFamily* find(const std::vector<prometheus::MetricFamily>& in,
                                     std::string_view name) {
  for (const auto& each : in)
    if (each.name == name) return &each;
  return nullptr;
}

std::map<std::string, double> outcomes(const figures& from) {
  std::map<std::string, double> all;
  const auto made = families(from, bounds);
  for (const auto& each : find(made, "baton_restarts_total")->metric)
    all[each.label.at(0).value] = each.counter.value;
  return all;
}

TEST(Families, EachOutcomeOfARestartIsThereFromTheBeginning) {
  figures from;
  EXPECT_EQ(outcomes(from).size(), restart_outcomes.size());
  for (const auto& [outcome, value] : outcomes(from)) EXPECT_EQ(value, 0) << outcome;
  from.counted.counts["restarts.child_late"] = 3;
  from.counted.counts["restarts.of_another_version"] = 2;
  const auto found = outcomes(from);
  EXPECT_EQ(found.size(), restart_outcomes.size() + 1);
  EXPECT_EQ(found.at("child_late"), 3);
  EXPECT_EQ(found.at("of_another_version"), 2);
  EXPECT_EQ(found.at("child_exited"), 0);
}

TEST(Families, TheTimesOfRestartsAreThereFromTheBeginning) {
  const auto made = families({}, bounds);
  const auto* const times = find(made, "baton_restart_phase_duration_seconds");
  ASSERT_EQ(times->metric.size(), 3U);
  for (const auto& each : times->metric) EXPECT_EQ(each.histogram.sample_count, 0U);
}

TEST(Families, HealthIsOneStateOfThreeForTheWholeAndForEachCheck) {
  figures from;
  EXPECT_EQ(find(families(from, bounds), "baton_health_status"), nullptr);
  auto& report = from.health.emplace();
  report.status = health_status::degraded;
  report.checks.resize(2);
  report.checks[0].name = "memory";
  report.checks[0].status = health_status::degraded;
  report.checks[1].name = "a \"queue\"";
  const auto text = write(families(from, bounds), exposition::prometheus);
  for (const auto* line :
       {R"(baton_health_status{status="healthy"} 0)", R"(baton_health_status{status="degraded"} 1)",
        R"(baton_health_status{status="unhealthy"} 0)",
        R"(baton_health_check_status{check="memory",status="healthy"} 0)",
        R"(baton_health_check_status{check="memory",status="degraded"} 1)",
        R"(baton_health_check_status{check="memory",status="unhealthy"} 0)",
        R"(baton_health_check_status{check="a \"queue\"",status="healthy"} 1)"})
    EXPECT_NE(text.find(std::string{line} + '\n'), std::string::npos) << line;
}

}  // namespace
}  // namespace baton::admin

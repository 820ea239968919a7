// Metrics as text: what prometheus-cpp would write, and what OpenMetrics asks for beyond.
#include "baton/admin/exposition.hpp"

#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <cmath>
#include <limits>
#include <set>
#include <sstream>
#include <string>

namespace baton::admin::test {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

MetricFamily counter(std::string name, double value) {
  MetricFamily made{std::move(name), "What \"is\" counted.\nAnd\\how.", MetricType::Counter, {}};
  made.metric.resize(1);
  made.metric[0].label = {{"listener", "a \"b\"\\\n"}};
  made.metric[0].counter.value = value;
  return made;
}

MetricFamily gauge(std::string name, double value) {
  MetricFamily made{std::move(name), "A gauge.", MetricType::Gauge, {}};
  made.metric.resize(1);
  made.metric[0].gauge.value = value;
  return made;
}

MetricFamily histogram() {
  MetricFamily made{"took_seconds", "Times.", MetricType::Histogram, {}};
  made.metric.resize(1);
  made.metric[0].label = {{"listener", "web"}};
  made.metric[0].histogram = {7, 12.5, {{3, 0.005}, {6, 1}}};
  return made;
}

std::multiset<std::string> sorted_lines(const std::string& text) {
  std::istringstream from{text};
  std::multiset<std::string> lines;
  for (std::string line; std::getline(from, line);) lines.insert(line);
  return lines;
}

TEST(Exposition, WritesCountersWithTheirSuffixInBothFormats) {
  for (const auto* name : {"requests_total", "requests"}) {
    EXPECT_EQ(write({counter(name, 3)}, exposition::prometheus),
              "# HELP requests_total What \"is\" counted.\\nAnd\\\\how.\n"
              "# TYPE requests_total counter\n"
              "requests_total{listener=\"a \\\"b\\\"\\\\\\n\"} 3\n");
    EXPECT_EQ(write({counter(name, 3)}, exposition::openmetrics),
              "# HELP requests What \\\"is\\\" counted.\\nAnd\\\\how.\n"
              "# TYPE requests counter\n"
              "requests_total{listener=\"a \\\"b\\\"\\\\\\n\"} 3\n"
              "# EOF\n");
  }
}

TEST(Exposition, TellsOpenmetricsTheUnit) {
  EXPECT_EQ(write({gauge("memory_bytes", 4096)}, exposition::openmetrics),
            "# HELP memory_bytes A gauge.\n# TYPE memory_bytes gauge\n# UNIT memory_bytes bytes\n"
            "memory_bytes 4096\n# EOF\n");
  const auto counted = write({counter("sent_bytes_total", 1)}, exposition::openmetrics);
  EXPECT_NE(counted.find("# UNIT sent_bytes bytes\n"), std::string::npos) << counted;
  EXPECT_EQ(write({gauge("bytes", 1)}, exposition::openmetrics).find("UNIT"), std::string::npos);
}

TEST(Exposition, WritesHistogramsWithTheirLastBucket) {
  EXPECT_EQ(write({histogram()}, exposition::openmetrics),
            "# HELP took_seconds Times.\n# TYPE took_seconds histogram\n"
            "# UNIT took_seconds seconds\n"
            "took_seconds_bucket{listener=\"web\",le=\"0.005\"} 3\n"
            "took_seconds_bucket{listener=\"web\",le=\"1.0\"} 6\n"
            "took_seconds_bucket{listener=\"web\",le=\"+Inf\"} 7\n"
            "took_seconds_sum{listener=\"web\"} 12.5\n"
            "took_seconds_count{listener=\"web\"} 7\n# EOF\n");
}

TEST(Exposition, SaysWhatPrometheusCppSays) {
  MetricFamily summary{"latency", "A summary.", MetricType::Summary, {}};
  summary.metric.resize(1);
  summary.metric[0].summary = {2, 3.25, {{0.5, 1.5}, {0.99, 1.75}}};
  MetricFamily untyped{"odd", "Untyped.", MetricType::Untyped, {}};
  untyped.metric.resize(1);
  untyped.metric[0].untyped.value = -2.5;
  MetricFamily stamped = gauge("stamped", 1);
  stamped.metric[0].timestamp_ms = 1700000000123;
  auto counted = counter("requests_total", 3);
  counted.help = "It does not escape this.";
  const std::vector<MetricFamily> all{counted,
                                      gauge("level", -0.125),
                                      histogram(),
                                      summary,
                                      untyped,
                                      stamped,
                                      gauge("huge", std::numeric_limits<double>::infinity())};
  // It puts sum and count of a histogram before the buckets.
  EXPECT_EQ(sorted_lines(write(all, exposition::prometheus)),
            sorted_lines(prometheus::TextSerializer{}.Serialize(all)));
}

TEST(Exposition, WritesNumbersThatReadBackTheSame) {
  for (const double value : {0.1, 1e-9, 12345678901234.5, 9007199254740993.0, -3.0, 1e300}) {
    const auto text = write({gauge("g", value)}, exposition::prometheus);
    EXPECT_EQ(std::stod(text.substr(text.rfind(' '))), value) << text;
  }
  EXPECT_NE(write({gauge("g", NAN)}, exposition::prometheus).find("g NaN\n"), std::string::npos);
  EXPECT_NE(write({gauge("g", -HUGE_VAL)}, exposition::prometheus).find("g -Inf\n"),
            std::string::npos);
}

TEST(Exposition, LeavesOutFamiliesWithoutAMetric) {
  EXPECT_EQ(write({{"nothing", "", MetricType::Gauge, {}}}, exposition::prometheus), "");
  EXPECT_EQ(write({{"nothing", "", MetricType::Gauge, {}}}, exposition::openmetrics), "# EOF\n");
}

TEST(Exposition, IsChosenByWhatIsAccepted) {
  const auto open = [](std::string_view accept) {
    return negotiate(accept) == exposition::openmetrics;
  };
  EXPECT_TRUE(
      open("application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
           "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"));
  EXPECT_TRUE(open("Application/OpenMetrics-Text"));
  EXPECT_TRUE(open("text/plain;q=0.5 , application/openmetrics-text ; q=0.5"));
  EXPECT_FALSE(open("application/openmetrics-text;q=0.3,text/plain"));
  EXPECT_FALSE(open("application/openmetrics-text;q=0"));
  EXPECT_FALSE(open("application/openmetrics-text;q=x"));
  EXPECT_FALSE(open("*/*"));
  EXPECT_FALSE(open(""));
  EXPECT_FALSE(open(";;,,=,;q="));
}

}  // namespace
}  // namespace baton::admin::test

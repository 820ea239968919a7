#include "ondemand/faces/service_metrics.hpp"

#include <gtest/gtest.h>

#include "baton/admin/exposition.hpp"

namespace baton::ondemand::test {
namespace {

using enum service_state;

std::string text(const std::shared_ptr<journal>& of) {
  return admin::write(service_metrics{of}.Collect(), admin::exposition::prometheus);
}

TEST(ServiceMetrics, TellsEachServiceOfTheConfigurationAndNoOther) {
  const auto book = std::make_shared<journal>();
  auto& shop = book->add("shop", false);
  static_cast<void>(book->add("idle", false));
  shop.changed(stopped, starting, {}, 0);
  shop.changed(starting, ready, {}, 1);
  shop.new_counts().open.up();
  shop.new_counts().waiting.up();
  const auto told = text(book);
  for (const auto* line : {R"(baton_service_state{service="shop",state="ready"} 1)",
                           R"(baton_service_state{service="shop",state="starting"} 0)",
                           R"(baton_service_state{service="idle",state="stopped"} 1)",
                           R"(baton_service_open_requests{service="shop"} 1)",
                           R"(baton_service_waiting_requests{service="shop"} 1)",
                           R"(baton_service_starts_total{service="shop"} 1)",
                           R"(baton_service_starts_total{service="idle"} 0)",
                           R"(baton_service_failures_total{service="shop"} 0)",
                           R"(baton_service_start_seconds_bucket{service="shop",le="+Inf"} 1)",
                           R"(baton_service_start_seconds_count{service="shop"} 1)"})
    EXPECT_NE(told.find(line), std::string::npos) << line << "\n" << told;
}

TEST(ServiceMetrics, ABucketHoldsWhatTookNoLonger) {
  start_times times;
  times.add(std::chrono::milliseconds{1});
  times.add(std::chrono::microseconds{1001});
  times.add(std::chrono::minutes{10});
  EXPECT_EQ(times.counts.front(), 1);
  EXPECT_EQ(times.counts[1], 1);
  EXPECT_EQ(times.counts.back(), 1);
}

TEST(ServiceMetrics, CountersGoOnOverARestart) {
  journal first;
  auto& before = first.add("shop", false);
  before.changed(stopped, starting, {}, 0);
  before.changed(starting, stopping, "broken", 0);
  before.changed(stopping, failed, "broken", 0);
  const auto second = std::make_shared<journal>();
  static_cast<void>(second->add("shop", false));
  ASSERT_TRUE(second->learn(first.text()));
  EXPECT_NE(text(second).find(R"(baton_service_starts_total{service="shop"} 1)"),
            std::string::npos);
  EXPECT_NE(text(second).find(R"(baton_service_failures_total{service="shop"} 1)"),
            std::string::npos);
}

}  // namespace
}  // namespace baton::ondemand::test

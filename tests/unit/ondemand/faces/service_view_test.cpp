#include "ondemand/faces/service_view.hpp"

#include <gtest/gtest.h>

#include <boost/json/array.hpp>

namespace baton::ondemand::test {
namespace {

using namespace std::chrono_literals;

const std::chrono::system_clock::time_point now{std::chrono::seconds{1'800'000'000}};

TEST(ServiceView, TellsTimesAsAClockAndAsTimesLeft) {
  service_status of{.name = "shop", .state = service_state::ready, .since = 1500ms, .open = 2};
  of.idle_in = 2s;
  of.routes = {"shop.example"};
  const auto told = view(of, now);
  EXPECT_EQ(told.at("name"), "shop");
  EXPECT_EQ(told.at("state"), "ready");
  EXPECT_EQ(told.at("since").to_number<std::int64_t>(), 1'799'999'998'500);
  EXPECT_EQ(told.at("since_ms").to_number<int>(), 1500);
  EXPECT_EQ(told.at("idle_at").to_number<std::int64_t>(), 1'800'000'002'000);
  EXPECT_EQ(told.at("idle_in_ms").to_number<int>(), 2000);
  EXPECT_TRUE(told.at("retry_at").is_null());
  EXPECT_EQ(told.at("open").to_number<int>(), 2);
  EXPECT_EQ(told.at("routes").as_array().size(), 1);
  EXPECT_FALSE(told.contains("output"));
}

TEST(ServiceView, InDetailHasStartsOutputAndExplanation) {
  service_status of{.name = "shop", .output = "one\n\ntwo"};
  of.last_starts = {{.number = 3, .at = now, .begun = 5us}};
  const auto told = detailed_view(of, now);
  const auto& lines = told.at("output").as_array();
  ASSERT_EQ(lines.size(), 3);
  EXPECT_EQ(lines[1], "");
  EXPECT_EQ(lines[2], "two");
  const auto& start = told.at("last_starts").as_array().at(0).as_object();
  EXPECT_EQ(start.at("number").to_number<int>(), 3);
  EXPECT_EQ(start.at("begun_us").to_number<int>(), 5);
  EXPECT_TRUE(start.at("ready_us").is_null());
  EXPECT_FALSE(told.at("explanation").as_array().empty());
}

}  // namespace
}  // namespace baton::ondemand::test

#include "baton/lineage/phase.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string_view>

#include "baton/lineage/upgrade_error.hpp"

namespace baton::lineage {
namespace {

TEST(Phase, HasAtMostOneSuccessorForEachEvent) {
  std::set<std::pair<phase, event>> seen;
  for (const auto& entry : lifecycle) EXPECT_TRUE(seen.emplace(entry.from, entry.on).second);
}

TEST(Phase, PrintsItsName) {
  for (const auto& entry : lifecycle) {
    EXPECT_NE(to_string(entry.from), "unknown");
    EXPECT_NE(to_string(entry.on), "unknown");
  }
  EXPECT_EQ(to_string(phase::stopped), "stopped");
}

TEST(UpgradeError, SaysWhatToDoNext) {
  std::set<std::string> sentences;
  for (int value = 1; value <= static_cast<int>(upgrade_error::channel_broken); ++value) {
    const auto code = make_error_code(static_cast<upgrade_error>(value));
    EXPECT_TRUE(code);
    EXPECT_NE(code.message().find(": "), std::string::npos) << code.message();
    EXPECT_TRUE(sentences.insert(code.message()).second);
  }
}

}  // namespace
}  // namespace baton::lineage

#include "admin/restart_outcome.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "baton/lineage/upgrade_error.hpp"

namespace baton::admin {
namespace {

TEST(RestartOutcome, EachErrorHasAWordThatIsAmongAllWords) {
  const auto known = [](std::string_view word) {
    return std::find(restart_outcomes.begin(), restart_outcomes.end(), word) !=
           restart_outcomes.end();
  };
  EXPECT_EQ(restart_outcome({}), "handed_over");
  std::set<std::string_view> seen;
  using lineage::upgrade_error;
  const auto last = static_cast<int>(upgrade_error::channel_broken);
  for (int each = 1; each <= last; ++each) {
    const auto word = restart_outcome(make_error_code(static_cast<upgrade_error>(each)));
    EXPECT_TRUE(known(word)) << word;
    seen.insert(word);
  }
  // in_progress is no attempt.
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(last - 1));
  EXPECT_TRUE(known(restart_outcome(make_error_code(boost::system::errc::io_error))));
}

}  // namespace
}  // namespace baton::admin

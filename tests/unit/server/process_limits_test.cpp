#include "server/process_limits.hpp"

#include <gtest/gtest.h>

#include <string>

#include "baton/base/error.hpp"
#include "baton/base/log.hpp"
#include "baton/net/listener.hpp"

namespace baton {
namespace {

TEST(ProcessLimits, ACapOfZeroIsRefusedWithTheRemedy) {
  try {
    process_connection_limit(0);
    FAIL() << "0 was accepted";
  } catch (const setup_error& error) {
    EXPECT_NE(std::string{error.what()}.find("at least 1"), std::string::npos) << error.what();
  }
}

TEST(ProcessLimits, ACapBeyondTheDescriptorLimitIsClampedWithANotice) {
  std::string line;
  set_notice_log([&](std::string_view text) { line = text; });
  const auto allowed = process_connection_limit(2'000'000'000);
  reset_logs();
  EXPECT_LT(allowed, net::descriptor_limit());
  EXPECT_GT(allowed, 0U);
  EXPECT_NE(line.find("2000000000"), std::string::npos) << line;
  EXPECT_NE(line.find("LimitNOFILE"), std::string::npos) << line;
}

TEST(ProcessLimits, ACapThatFitsIsTakenAsItIs) { EXPECT_EQ(process_connection_limit(10), 10U); }

TEST(ProcessLimits, ZeroThreadsMeansOneForEachUsableCpu) {
  EXPECT_GE(thread_count(0), 1U);
  EXPECT_EQ(thread_count(3), 3U);
  EXPECT_THROW(thread_count(5000), setup_error);
}

}  // namespace
}  // namespace baton

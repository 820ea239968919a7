#include "server/exit_hooks.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <stdexcept>
#include <string>

#include "baton/base/log.hpp"

namespace baton {
namespace {

using namespace std::chrono_literals;

TEST(ExitHooks, RunInTheOrderOfRegistrationAndOnlyOnce) {
  exit_hooks hooks;
  std::string order;
  hooks.add([&] { order += 'a'; });
  hooks.add([&] { order += 'b'; });
  EXPECT_EQ(hooks.run(5s), 0U);
  EXPECT_EQ(hooks.run(5s), 0U);
  EXPECT_EQ(order, "ab");
}

TEST(ExitHooks, OneThatThrowsIsCountedAndDoesNotStopTheOthers) {
  exit_hooks hooks;
  std::string line;
  bool ran = false;
  set_error_log([&](std::string_view text) { line = text; });
  hooks.add([] { throw std::runtime_error{"disk is full"}; });
  hooks.add([&] { ran = true; });
  EXPECT_EQ(hooks.run(5s), 1U);
  EXPECT_TRUE(ran);
  EXPECT_NE(line.find("disk is full"), std::string::npos) << line;
  reset_logs();
}

TEST(ExitHooksDeathTest, OneThatHangsEndsTheProcessAtTheDeadline) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        exit_hooks hooks;
        hooks.add([] {
          for (;;) ::pause();
        });
        hooks.run(20ms);
      },
      ::testing::ExitedWithCode(1), "an exit hook did not return within the 20ms");
}

}  // namespace
}  // namespace baton

#include "server/exit_hooks.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <optional>
#include <stdexcept>
#include <string>

#include "baton/base/log.hpp"

namespace baton {
namespace {

using namespace std::chrono_literals;

/// How many failed; nothing: they have not come to an end.
std::optional<std::size_t> run(exit_hooks& hooks, std::chrono::milliseconds deadline = 5s) {
  std::optional<std::size_t> failed;
  hooks.run(deadline, [&](std::size_t count) { failed = count; });
  return failed;
}

TEST(ExitHooks, RunInTheOrderOfRegistrationAndOnlyOnce) {
  exit_hooks hooks;
  std::string order;
  hooks.add([&] { order += 'a'; });
  hooks.add([&] { order += 'b'; });
  EXPECT_EQ(run(hooks), 0U);
  EXPECT_EQ(run(hooks), 0U);
  EXPECT_EQ(order, "ab");
}

TEST(ExitHooks, OneThatThrowsIsCountedAndDoesNotStopTheOthers) {
  exit_hooks hooks;
  std::string line;
  bool ran = false;
  set_error_log([&](std::string_view text) { line = text; });
  hooks.add([] { throw std::runtime_error{"disk is full"}; });
  hooks.add([&] { ran = true; });
  EXPECT_EQ(run(hooks), 1U);
  EXPECT_TRUE(ran);
  EXPECT_NE(line.find("disk is full"), std::string::npos) << line;
  reset_logs();
}

TEST(ExitHooks, ThoseBehindOneThatTakesItsTimeWaitForIt) {
  exit_hooks hooks;
  std::string order;
  exit_hooks::done done;
  std::optional<std::size_t> failed;
  hooks.add([&] { order += 'a'; });
  hooks.add_later(
      [&](exit_hooks::done later) {
        order += 'b';
        done = std::move(later);
      },
      1min);
  hooks.add([&] { order += 'c'; });
  hooks.run(5s, [&](std::size_t count) { failed = count; });
  EXPECT_EQ(order, "ab");
  EXPECT_FALSE(failed);
  done();
  EXPECT_EQ(order, "abc");
  EXPECT_EQ(failed, 0U);
  done();
  EXPECT_EQ(order, "abc") << "only its first word counts";
}

TEST(ExitHooks, OneThatThrowsBehindItsWordIsCountedOnce) {
  exit_hooks hooks;
  set_error_log([](std::string_view) {});
  int ran = 0;
  hooks.add_later(
      [](const exit_hooks::done& done) {
        done();
        throw std::runtime_error{"too late"};
      },
      {});
  hooks.add([&] { ++ran; });
  static_cast<void>(run(hooks));
  EXPECT_EQ(ran, 1);
  reset_logs();
}

TEST(ExitHooksDeathTest, OneThatTakesMoreThanItsTimeEndsTheProcess) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        exit_hooks hooks;
        exit_hooks::done never;
        hooks.add_later([&](exit_hooks::done later) { never = std::move(later); }, 30ms);
        hooks.run(20ms, [](std::size_t) {});
        for (;;) ::pause();
      },
      ::testing::ExitedWithCode(1), "an exit hook did not return within the 30ms");
}

TEST(ExitHooksDeathTest, OneThatHangsEndsTheProcessAtTheDeadline) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        exit_hooks hooks;
        hooks.add([] {
          for (;;) ::pause();
        });
        hooks.run(20ms, [](std::size_t) {});
      },
      ::testing::ExitedWithCode(1), "an exit hook did not return within the 20ms");
}

}  // namespace
}  // namespace baton

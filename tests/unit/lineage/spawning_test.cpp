#include "lineage/spawning.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>
#include <optional>
#include <thread>

#include "baton/lineage/upgrade_error.hpp"

namespace baton::lineage {
namespace {

prepared_spawn sleeper() { return std::move(prepare_spawn({"/bin/sleep", {"1000"}, {}}).value()); }

bool no_child_is_left() { return ::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD; }

TEST(Spawning, TellsTheLoopOfTheChild) {
  boost::asio::io_context context;
  spawning subject{context};
  std::optional<outcome<spawned>> told;
  std::thread::id told_on;
  subject.start(sleeper(), [&](outcome<spawned> made) {
    told = std::move(made);
    told_on = std::this_thread::get_id();
  });
  EXPECT_FALSE(told) << "never inside start";
  context.run();
  ASSERT_TRUE(told && *told);
  EXPECT_EQ(told_on, std::this_thread::get_id());
  EXPECT_EQ(::kill((*told)->pid, SIGKILL), 0);
  EXPECT_EQ(::waitpid((*told)->pid, nullptr, 0), (*told)->pid);
}

TEST(Spawning, TellsWhatFailed) {
  boost::asio::io_context context;
  spawning subject{context};
  const std::string enormous(std::size_t{4} * 1024 * 1024, 'x');
  std::optional<outcome<spawned>> told;
  subject.start(std::move(prepare_spawn({"/bin/true", {enormous}, {}}).value()),
                [&](outcome<spawned> made) { told = std::move(made); });
  context.run();
  ASSERT_TRUE(told && !*told);
  EXPECT_EQ(told->error().code, make_error_code(upgrade_error::spawn_failed));
  EXPECT_THAT(told->error().why, ::testing::HasSubstr("Argument list too long"));
  EXPECT_TRUE(no_child_is_left());
}

TEST(Spawning, LeavesNoChildThatNobodyWasGiven) {
  boost::asio::io_context context;
  {
    spawning subject{context};
    subject.start(sleeper(), [](const auto&) { ADD_FAILURE() << "cancelled"; });
  }
  EXPECT_TRUE(no_child_is_left());
  context.run();  // what the thread posted finds nothing to do
}

TEST(Spawning, ItsHandlerMayDestroyIt) {
  boost::asio::io_context context;
  auto subject = std::make_unique<spawning>(context);
  pid_t pid = -1;
  subject->start(sleeper(), [&](outcome<spawned> made) {
    subject.reset();
    pid = made->pid;
  });
  context.run();
  ASSERT_GT(pid, 0);
  EXPECT_EQ(::kill(pid, SIGKILL), 0) << "given away, so it lives";
  EXPECT_EQ(::waitpid(pid, nullptr, 0), pid);
}

}  // namespace
}  // namespace baton::lineage

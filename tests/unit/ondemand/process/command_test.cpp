#include "ondemand/process/command.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "unit/ondemand/process/process_fixture.hpp"

namespace baton::ondemand {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace std::chrono_literals;

class Command : public ProcessTest {
 protected:
  command_outcome run(command_options options) {
    std::optional<command_outcome> told;
    command it{context()};
    it.start(std::move(options), [&](const command_outcome& outcome) { told = outcome; });
    EXPECT_TRUE(it.running());
    EXPECT_FALSE(told) << "told inside start";
    run_until([&] { return told.has_value(); }, "the command's end");
    EXPECT_FALSE(it.running());
    return told.value_or(command_outcome{});
  }
};

TEST_F(Command, SucceedsWithStatusZero) {
  const auto outcome = run({.what = program::shell("echo done; echo said >&2")});
  EXPECT_TRUE(outcome.success());
  EXPECT_EQ(outcome.end, command_end::exited);
  EXPECT_THAT(outcome.output, HasSubstr("done\n"));
  EXPECT_THAT(outcome.output, HasSubstr("said\n"));
}

TEST_F(Command, TellsAnotherStatus) {
  const auto outcome = run({.what = subject({"exit", "3"})});
  EXPECT_FALSE(outcome.success());
  EXPECT_EQ(outcome.why, "exited with status 3");
}

TEST_F(Command, TellsASignal) {
  const auto outcome = run({.what = subject({"abort"})});
  EXPECT_EQ(outcome.end, command_end::signalled);
  EXPECT_FALSE(outcome.success());
  EXPECT_EQ(outcome.why, "was killed by SIGKILL (Killed)");
}

TEST_F(Command, TellsWhyItCouldNotBeStarted) {
  const auto outcome = run({.what = {.argv = {"/nowhere/tool"}}});
  EXPECT_EQ(outcome.end, command_end::not_started);
  EXPECT_THAT(outcome.why, StartsWith("cannot execute \"/nowhere/tool\""));
}

TEST_F(Command, IsEndedWithAllItStartedWhenItTakesTooLong) {
  const auto outcome = run({.what = subject({"fork-away"}), .timeout = 300ms});
  EXPECT_EQ(outcome.end, command_end::timed_out);
  EXPECT_THAT(outcome.why, StartsWith("took longer than 300 ms and was ended: 2 processes"));
  EXPECT_THAT(outcome.output, HasSubstr("state ready\n"));
}

TEST_F(Command, IsKilledWhenItDoesNotHear) {
  const auto outcome = run({.what = subject({"ignore-term"}), .timeout = 300ms});
  EXPECT_EQ(outcome.end, command_end::timed_out);
  EXPECT_THAT(outcome.why, HasSubstr("1 killed"));
}

TEST_F(Command, LeavesADaemonInTheTreeItWasGiven) {
  const auto marker = make_marker();
  EXPECT_TRUE(run({.what = subject({"daemonize"}), .marker = marker}).success());
  EXPECT_EQ(stop({.marker = marker}).signalled, 1U);
}

TEST_F(Command, GetsItsVariables) {
  const auto outcome =
      run({.what = program::shell("echo $COLOUR"), .variables = {{"COLOUR", "blue"}}});
  EXPECT_EQ(outcome.output, "blue\n");
}

TEST_F(Command, IsKilledWhenDestroyed) {
  bool told = false;
  {
    command it{context()};
    const auto marker = make_marker();
    it.start({.what = subject({"wait"}), .marker = marker},
             [&](const command_outcome&) { told = true; });
    run_until([&] { return processes_with(marker).size() == 1; }, "it runs");
  }
  run_ready();
  EXPECT_FALSE(told);
}

TEST_F(Command, MayBeDestroyedByItsHandler) {
  auto it = std::make_unique<command>(context());
  it->start({.what = subject({"exit", "0"})}, [&](const command_outcome&) { it.reset(); });
  RUN_UNTIL(!it);
}

TEST_F(Command, RunsAHundredTimesAndLeavesNothing) {
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(run({.what = {.argv = {"true"}}}).success());
}

}  // namespace
}  // namespace baton::ondemand

#include "baton/lineage/supervisor.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "lineage/pid_file.hpp"
#include "unit/lineage/running_service.hpp"

namespace baton::lineage::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Supervisor, KeepsItsPidWhileGenerationsComeAndGo) {
  running_service service;
  const auto first = service.await_serving(1);
  EXPECT_NE(first.pid, service.pid());
  service.signal(SIGUSR1);
  EXPECT_THAT(service.await_line("Received SIG."),
              HasSubstr(fmt::format("Received SIG. [PID:{}, SIG:USR1]", service.pid())));
  const auto second = service.await_serving(2);
  EXPECT_EQ(second.port, first.port);
  service.await_line("event draining 1");
  EXPECT_EQ(service.ask(first.port), fmt::format("2 {}\n", second.pid));
  service.signal(SIGTERM);
  EXPECT_EQ(service.await_exit(), 0);
  EXPECT_TRUE(service.everything_ended());
}

TEST(Supervisor, WritesItsOwnPidIntoThePidFileAndRemovesItAtTheEnd) {
  running_service service;
  service.await_serving(1);
  service.await_line("generation 1 serves");
  EXPECT_EQ(pid_file{service.pid_file()}.read(), service.pid());
  service.signal(SIGUSR1);
  service.await_serving(2);
  EXPECT_EQ(pid_file{service.pid_file()}.read(), service.pid());
  service.signal(SIGQUIT);
  EXPECT_EQ(service.await_exit(), 0);
  EXPECT_FALSE(std::filesystem::exists(service.pid_file()));
}

TEST(Supervisor, RefusesAnUnwritablePidFileBeforeAnythingStarts) {
  running_service service{{.pid_file = "/nonexistent/baton/service.pid"}};
  EXPECT_THAT(service.await_line("cannot write pid file"), HasSubstr("ENOENT"));
  EXPECT_EQ(service.await_exit(), 1);
}

TEST(Supervisor, LetsTheNextGenerationServeAClientThatACrashLeftInTheBacklog) {
  running_service service;
  const auto first = service.await_serving(1);
  ::kill(first.pid, SIGSTOP);
  auto waiting = service.connect(first.port);
  ::kill(first.pid, SIGKILL);
  const auto second = service.await_serving(2);
  EXPECT_EQ(second.port, first.port);
  EXPECT_TRUE(second.inherited);
  EXPECT_EQ(running_service::read_all(waiting), fmt::format("2 {}\n", second.pid));
  service.signal(SIGTERM);
  EXPECT_EQ(service.await_exit(), 0);
}

TEST(Supervisor, SurvivesACrashAfterAnUpgradeToo) {
  running_service service{{.plan = "linger:1"}};
  const auto first = service.await_serving(1);
  service.signal(SIGUSR1);
  const auto second = service.await_serving(2);
  service.await_line("event draining 1");
  // Its parent still lives and owns its exit status: the supervisor sees the end all the same.
  ::kill(second.pid, SIGKILL);
  const auto third = service.await_serving(3);
  EXPECT_EQ(service.ask(first.port), fmt::format("3 {}\n", third.pid));
  ::kill(first.pid, SIGUSR2);
  service.signal(SIGTERM);
  EXPECT_EQ(service.await_exit(), 0);
  EXPECT_TRUE(service.everything_ended());
}

TEST(Supervisor, EndsWithTheStatusOfAFirstGenerationThatCannotStart) {
  running_service service{{.plan = "exit_at_start:1"}};
  service.await_line("event starting 1");
  service.await_line("could not be started");
  service.await_line("never served");
  EXPECT_EQ(service.await_exit(), 9);
  EXPECT_EQ(service.lines_with("event starting"), 0U);
}

TEST(Supervisor, BacksOffFromAGenerationThatCannotStartAgain) {
  running_service service{{.plan = "exit_at_start:2", .backoff_ms = 5}};
  const auto first = service.await_serving(1);
  ::kill(first.pid, SIGKILL);
  EXPECT_THAT(service.await_line("while it served"), HasSubstr("SIGKILL"));
  service.await_line("starts in 5 ms");
  service.await_line("starts in 10 ms");
  service.await_line("starts in 20 ms");
  service.set_plan("");
  const auto second = service.await_serving(2);
  EXPECT_EQ(second.port, first.port);
  service.signal(SIGTERM);
  EXPECT_EQ(service.await_exit(), 0);
}

TEST(Supervisor, LeavesAtOnceWhenToldSoBetweenACrashAndTheRestart) {
  running_service service{{.backoff_ms = 600'000}};
  const auto first = service.await_serving(1);
  ::kill(first.pid, SIGKILL);
  service.await_line("starts in 600000 ms");
  service.signal(SIGHUP);
  service.await_line("no generation serves yet");
  service.signal(SIGTERM);
  EXPECT_EQ(service.await_exit(), 128 + SIGKILL);
}

TEST(Supervisor, PassesASecondSignalOnSoThatTheGenerationDropsAtOnce) {
  running_service service{{.plan = "stubborn:1"}};
  service.await_serving(1);
  service.signal(SIGTERM);
  service.await_line("event told_to_leave 1");
  service.signal(SIGINT);
  service.await_line("event told_to_leave 1");
  EXPECT_EQ(service.await_exit(), 7);
}

TEST(Supervisor, DoesNotRepeatASignalThatTheWholeProcessGroupReceived) {
  running_service service{{.plan = "stubborn:1"}};
  const auto first = service.await_serving(1);
  // As a terminal or systemd's KillMode=control-group does it.
  ::kill(first.pid, SIGTERM);
  service.await_line("event told_to_leave 1");
  service.signal(SIGTERM);
  service.await_line("Received SIG.");
  service.signal(SIGTERM);
  EXPECT_THAT(service.await_line("event told_to_leave 1"), HasSubstr(" 2"));
  EXPECT_EQ(service.await_exit(), 7);
}

TEST(Supervisor, EndsWith128PlusTheSignalThatKilledALeavingGeneration) {
  running_service service{{.plan = "stubborn:1"}};
  const auto first = service.await_serving(1);
  service.signal(SIGTERM);
  service.await_line("event told_to_leave 1");
  ::kill(first.pid, SIGKILL);
  EXPECT_EQ(service.await_exit(), 128 + SIGKILL);
}

TEST(Supervisor, TakesAnExitWithZeroForAWishToEnd) {
  running_service service{{.plan = "quit_silently:1"}};
  const auto first = service.await_serving(1);
  ::kill(first.pid, SIGUSR2);
  EXPECT_EQ(service.await_exit(), 0);
  EXPECT_EQ(service.lines_with("event starting"), 1U);
}

TEST(Supervisor, EndsOnlyAfterTheDrainingGenerationsWithTheStatusOfTheServingOne) {
  running_service service{{.plan = "linger:1\nexit_five:2"}};
  const auto first = service.await_serving(1);
  service.signal(SIGUSR1);
  service.await_serving(2);
  service.await_line("event draining 1");
  service.signal(SIGTERM);
  service.await_line("event told_to_leave 2");
  service.await_line("generation 2 (pid");
  EXPECT_FALSE(service.has_exited());
  ::kill(first.pid, SIGUSR2);
  EXPECT_EQ(service.await_exit(), 5);
  EXPECT_TRUE(service.everything_ended());
}

TEST(Supervisor, LetsAChildWhoseParentDiedGoOnAlone) {
  running_service service{{.plan = "wait_before_ready:2"}};
  const auto first = service.await_serving(1);
  service.signal(SIGUSR1);
  const auto waiting = service.await_event("waiting", 2);
  ::kill(first.pid, SIGKILL);
  service.await_line("goes on alone");
  ::kill(waiting.pid, SIGUSR2);
  const auto second = service.await_serving(2);
  EXPECT_EQ(second.pid, waiting.pid);
  EXPECT_EQ(service.ask(first.port), fmt::format("2 {}\n", second.pid));
  service.signal(SIGTERM);
  EXPECT_EQ(service.await_exit(), 0);
}

TEST(Supervisor, StartsAnewWhenTheChildOfADeadParentDiesToo) {
  running_service service{{.plan = "wait_before_ready:2"}};
  const auto first = service.await_serving(1);
  service.signal(SIGUSR1);
  const auto waiting = service.await_event("waiting", 2);
  ::kill(first.pid, SIGKILL);
  service.await_line("goes on alone");
  service.set_plan("");
  ::kill(waiting.pid, SIGKILL);
  const auto second = service.await_serving(2);
  EXPECT_NE(second.pid, waiting.pid);
  EXPECT_EQ(second.port, first.port);
  service.signal(SIGTERM);
  EXPECT_EQ(service.await_exit(), 0);
}

TEST(Supervisor, TellsAGenerationThatIsStillStartingToLeave) {
  running_service service{{.plan = "wait_before_ready:1"}};
  service.await_event("waiting", 1);
  service.signal(SIGTERM);
  service.await_line("event told_to_leave 1");
  EXPECT_EQ(service.await_exit(), 0);
}

TEST(Supervisor, IsUnmovedByAnUpgradeThatFails) {
  running_service service{{.plan = "exit_at_start:2"}};
  const auto first = service.await_serving(1);
  service.signal(SIGHUP);
  service.await_line("event upgrade_failed 1");
  EXPECT_EQ(service.ask(first.port), fmt::format("1 {}\n", first.pid));
  service.set_plan("");
  service.signal(SIGHUP);
  service.await_serving(2);
  service.signal(SIGTERM);
  EXPECT_EQ(service.await_exit(), 0);
}

TEST(Supervisor, ReturnsToTheParentOfAChildThatServedOnlyInItsOwnEyes) {
  running_service service{{.plan = "die_before_ready:2", .backoff_ms = 600'000}};
  const auto first = service.await_serving(1);
  service.await_line("generation 1 serves");
  service.signal(SIGUSR1);
  service.await_line("generation 2 serves");
  service.await_line("event upgrade_failed 1");
  service.await_line("generation 1 serves");
  EXPECT_EQ(service.ask(first.port), fmt::format("1 {}\n", first.pid));
  service.signal(SIGUSR1);
  const auto next = service.await_serving(2);
  EXPECT_EQ(service.await_line("event upgrade_failed 1").empty(), false);
  EXPECT_TRUE(running_service::await_gone(next.pid));
  service.signal(SIGTERM);
  service.await_line("event told_to_leave 1");
  EXPECT_EQ(service.await_exit(), 0);
}

TEST(Supervisor, ClosesAListenerThatTheNextGenerationDoesNotUse) {
  running_service service{{.plan = "two_listeners:1"}};
  const auto first = service.await_serving(1);
  EXPECT_NE(first.other_port, 0);
  EXPECT_TRUE(service.connect(first.other_port));
  service.signal(SIGUSR1);
  service.await_serving(2);
  service.await_line("event draining 1");
  service.await_line("generation 2 serves");
  EXPECT_TRUE(service.await_refused(first.other_port));
  service.signal(SIGTERM);
  EXPECT_EQ(service.await_exit(), 0);
}

TEST(Supervisor, HoldsWhatAMuteProgramWasOffered) {
  running_service service{{.plan = "mute:0", .listen_fds = true}};
  const auto first = service.await_serving(1);
  EXPECT_TRUE(first.inherited);
  EXPECT_EQ(first.port, service.listen_port());
  service.await_line("generation 1 serves");
  ::kill(first.pid, SIGKILL);
  const auto second = service.await_serving(2);
  EXPECT_EQ(second.port, service.listen_port());
  service.signal(SIGTERM);
  EXPECT_EQ(service.await_exit(), 0);
}

TEST(Supervisor, ReapsOrphans) {
  running_service service{{.plan = "orphan:1"}};
  const auto orphan = service.await_event("orphan", 1);
  service.await_serving(1);
  // A zombie would keep its directory in /proc.
  EXPECT_TRUE(running_service::await_gone(static_cast<pid_t>(orphan.port)));
  service.signal(SIGTERM);
  EXPECT_EQ(service.await_exit(), 0);
}

TEST(Supervisor, LeaksNoDescriptorOverUpgradesAndCrashes) {
  running_service service{{.backoff_ms = 1}};
  auto current = service.await_serving(1);
  service.await_line("generation 1 serves");
  std::size_t at_first = 0;
  for (std::uint32_t generation = 2; generation <= 13; ++generation) {
    const auto before = current.pid;
    if (generation % 4 == 0) {
      ::kill(before, SIGKILL);
    } else {
      service.signal(SIGUSR1);
    }
    current = service.await_serving(generation);
    service.await_line(fmt::format("generation {} serves", generation));
    ASSERT_TRUE(running_service::await_gone(before));
    if (generation == 3) at_first = service.descriptor_count();
  }
  // The first figure may count a process that was reaped but not yet forgotten; whatever leaks with
  // each generation is ten more by now.
  EXPECT_TRUE(service.await_descriptors_at_most(at_first)) << service.descriptor_count();
  service.signal(SIGTERM);
  EXPECT_EQ(service.await_exit(), 0);
}

TEST(Supervisor, TellsSystemdOfEachStepUnderItsOwnPid) {
  running_service service{{.notify = true}};
  service.await_serving(1);
  EXPECT_THAT(service.await_notification(),
              StartsWith(fmt::format("READY=1\nMAINPID={}\nSTATUS=generation 1", service.pid())));
  service.signal(SIGUSR1);
  service.await_serving(2);
  EXPECT_THAT(service.await_notification(), StartsWith("RELOADING=1\nMONOTONIC_USEC="));
  EXPECT_THAT(service.await_notification(),
              StartsWith(fmt::format("READY=1\nMAINPID={}\nSTATUS=generation 2", service.pid())));
  service.set_plan("exit_at_start:3");
  service.signal(SIGUSR1);
  EXPECT_THAT(service.await_notification(), StartsWith("RELOADING=1\nMONOTONIC_USEC="));
  EXPECT_THAT(service.await_notification(), HasSubstr("READY=1"));
  service.signal(SIGTERM);
  EXPECT_THAT(service.await_notification(), StartsWith("STOPPING=1"));
  EXPECT_EQ(service.await_exit(), 0);
}

TEST(Supervisor, PingsTheWatchdog) {
  running_service service{{.notify = true, .watchdog_us = 20'000}};
  service.await_serving(1);
  int pings = 0;
  while (pings < 3) pings += service.await_notification() == "WATCHDOG=1" ? 1 : 0;
  service.signal(SIGTERM);
  EXPECT_EQ(service.await_exit(), 0);
}

TEST(Supervisor, IsToldEverythingByTheGenerationsOfTheLibrary) {
  running_service service{{.service = "generation", .notify = true}};
  const auto first = service.await_serving(1);
  service.await_line("generation 1 serves");
  EXPECT_THAT(service.await_notification(),
              StartsWith(fmt::format("READY=1\nMAINPID={}", service.pid())));
  service.signal(SIGUSR1);
  const auto second = service.await_serving(2);
  service.await_line("generation 2 serves");
  EXPECT_THAT(service.await_notification(), StartsWith("RELOADING=1\nMONOTONIC_USEC="));
  EXPECT_THAT(service.await_notification(),
              StartsWith(fmt::format("READY=1\nMAINPID={}", service.pid())));
  EXPECT_TRUE(running_service::await_gone(first.pid));
  EXPECT_EQ(second.port, first.port);

  ::kill(second.pid, SIGSTOP);
  const auto waiting = service.connect(first.port);
  ::kill(second.pid, SIGKILL);
  const auto third = service.await_serving(3);
  EXPECT_TRUE(third.inherited);
  EXPECT_EQ(running_service::read_all(waiting), fmt::format("3 {}\n", third.pid));

  service.await_line("generation 3 serves");
  ::kill(third.pid, SIGTERM);  // it leaves on its own: nobody starts it again
  EXPECT_EQ(service.await_exit(), 0);
  EXPECT_EQ(service.lines_with("could not"), 0U);
  EXPECT_TRUE(service.everything_ended());
}

}  // namespace
}  // namespace baton::lineage::testing

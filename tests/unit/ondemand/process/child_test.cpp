#include "ondemand/process/child.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "lineage/pidfd.hpp"
#include "unit/ondemand/process/process_fixture.hpp"

namespace baton::ondemand {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class Child : public ProcessTest {};

TEST_F(Child, TellsThatItStartedAndHowItEnded) {
  auto& it = start({"exit", "7"});
  RUN_UNTIL(it.ended());
  EXPECT_TRUE(it.started);
  ASSERT_TRUE(it.status);
  EXPECT_EQ(it.status->code(), 7);
  EXPECT_EQ(it.status->to_string(), "exited with status 7");
  EXPECT_FALSE(it.subject->running());
}

TEST_F(Child, TellsTheSignalThatEndedIt) {
  auto& it = start({"abort"});
  RUN_UNTIL(it.ended());
  ASSERT_TRUE(it.status);
  EXPECT_EQ(it.status->signal(), SIGKILL);
  EXPECT_EQ(it.status->to_string(), "was killed by SIGKILL (Killed)");
}

TEST_F(Child, LeadsASessionOfItsOwnWithNothingOfOurs) {
  const unique_fd stray{::open("/dev/full", O_RDONLY)};  // not even close-on-exec
  sigset_t term;
  ::sigemptyset(&term);
  ::sigaddset(&term, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &term, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  auto& it = start({"describe"});
  RUN_UNTIL(it.ended());
  ::signal(SIGPIPE, SIG_DFL);
  ::pthread_sigmask(SIG_UNBLOCK, &term, nullptr);
  const auto pid = std::to_string(it.subject->pid());
  EXPECT_EQ(it.said("pid"), pid);
  EXPECT_EQ(it.said("session"), pid);
  EXPECT_EQ(it.said("group"), pid);
  EXPECT_EQ(it.said("descriptors"), "0,1,2,");
  EXPECT_EQ(it.said("signals"), "open default");
  EXPECT_EQ(it.said("BATON_INSTANCE"), it.subject->identity().marker);
  EXPECT_EQ(it.said("NOTIFY_SOCKET"), "(unset)");
  EXPECT_EQ(it.said("LISTEN_FDS"), "(unset)");
}

TEST_F(Child, GetsWhatTheProgramSays) {
  const temporary_folder folder;
  auto what = subject({"describe"});
  what.directory = folder.path();
  what.env = {{"COLOUR", "blue"}, {"PROCESS_TEST", fmt::format("{} replaced", ::getpid())}};
  what.umask = 027;
  what.nice = 5;
  what.limits = {.open_files = 64, .memory = 1U << 30U, .core = 0, .cpu_seconds = 77};
  auto& it = start({.what = what, .variables = {{"COLOUR", "ours wins"}}});
  RUN_UNTIL(it.ended());
  EXPECT_EQ(it.why, "");
  EXPECT_EQ(it.said("directory"), folder.path());
  EXPECT_EQ(it.said("PWD"), folder.path());
  EXPECT_EQ(it.said("COLOUR"), "ours wins");
  EXPECT_EQ(it.said("PROCESS_TEST"), fmt::format("{} replaced", ::getpid()));
  EXPECT_EQ(it.said("umask"), std::to_string(027));
  EXPECT_EQ(it.said("nice"), "5");
  EXPECT_EQ(it.said("files"), "64:64");
  EXPECT_EQ(it.said("memory"), fmt::format("{0}:{0}", 1U << 30U));
  EXPECT_EQ(it.said("core"), "0:0");
  EXPECT_EQ(it.said("cpu"), "77:77");
}

TEST_F(Child, GetsACleanEnvironment) {
  auto what = program::shell("env -u BATON_INSTANCE -u PWD; echo done");
  what.clean_env = true;
  what.env = {{"COLOUR", "blue"}};
  auto& it = start({.what = what});
  RUN_UNTIL(it.ended());
  const auto text = it.subject->output_tail();
  EXPECT_THAT(text, HasSubstr("PATH="));
  EXPECT_THAT(text, HasSubstr("COLOUR=blue\n"));
  EXPECT_EQ(std::ranges::count(text, '\n'), 3) << text;
}

TEST_F(Child, RunsAsAnotherUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  auto what = program::shell("id -u; id -g; id -G; echo HOME $HOME; echo USER $USER");
  what.user = "daemon";
  auto& it = start({.what = what});
  RUN_UNTIL(it.ended());
  EXPECT_EQ(it.why, "");
  EXPECT_EQ(it.subject->output_tail(), "1\n1\n1\nHOME /usr/sbin\nUSER daemon\n");
}

TEST_F(Child, RunsAsANumberWithAGroup) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  auto what = program::shell("id -u; id -g; id -G");
  what.user = "54321";
  what.group = "54322";
  auto& it = start({.what = what});
  RUN_UNTIL(it.ended());
  EXPECT_EQ(it.subject->output_tail(), "54321\n54322\n54322\n");
}

struct refusal {
  std::string name;
  program what;
  std::string why;
};

class Refused : public ProcessTest, public ::testing::WithParamInterface<refusal> {};

TEST_P(Refused, IsToldWithTheReason) {
  auto& it = start({.what = GetParam().what});
  RUN_UNTIL(it.ended());
  EXPECT_FALSE(it.started);
  EXPECT_FALSE(it.status);
  EXPECT_THAT(it.why, HasSubstr(GetParam().why));
}

program with(std::vector<std::string> argv, void (*change)(program&) = nullptr) {
  program made{.argv = std::move(argv)};
  if (change != nullptr) change(made);
  return made;
}

INSTANTIATE_TEST_SUITE_P(
    Child, Refused,
    ::testing::Values(
        refusal{"NoFile", with({"/nowhere/program"}),
                "cannot execute \"/nowhere/program\": ENOENT (No such file or directory); no such "
                "program"},
        refusal{"NotInPath", with({"no-such-program-at-all"}),
                "cannot execute \"no-such-program-at-all\" (searched for in PATH): ENOENT"},
        refusal{"NotExecutable", with({"/etc/passwd"}), "cannot execute \"/etc/passwd\": EACCES"},
        refusal{"Empty", with({}), "a program is empty"},
        refusal{"NoUser", with({"/bin/true"}, [](program& it) { it.user = "nobody-at-all"; }),
                "cannot change to user \"nobody-at-all\": there is no such user"},
        refusal{"NoGroup", with({"/bin/true"}, [](program& it) { it.group = "no-group"; }),
                "cannot change to group \"no-group\": there is no such group"},
        refusal{"NoDirectory", with({"/bin/true"}, [](program& it) { it.directory = "/nowhere"; }),
                "cannot enter the directory \"/nowhere\": ENOENT"},
        refusal{"NoOutputFile",
                with({"/bin/true"},
                     [](program& it) {
                       it.standard_output = {output_target::file, "/nowhere/out"};
                     }),
                "cannot open \"/nowhere/out\" for the program's output: ENOENT"},
        refusal{"LimitBeyondTheKernels",
                with({"/bin/true"},
                     [](program& it) { it.limits.open_files = std::uint64_t{1} << 40U; }),
                "cannot set the limit open files to 1099511627776: EPERM"}),
    [](const auto& each) { return each.param.name; });

TEST_F(Child, IsFoundInThePathThatItGets) {
  const temporary_folder folder;
  ::mkdir(folder.file("first").c_str(), 0755);
  ::mkdir(folder.file("second").c_str(), 0755);
  std::ofstream{folder.file("first/tool")} << "not executable";
  std::ofstream{folder.file("second/tool")} << "#!/bin/sh\necho second\n";
  ::chmod(folder.file("second/tool").c_str(), 0755);
  program what{.argv = {"tool"}};
  what.env = {{"PATH", folder.file("first") + ':' + folder.file("second")}};
  auto& it = start({.what = what});
  RUN_UNTIL(it.ended());
  EXPECT_EQ(it.why, "");
  EXPECT_EQ(it.subject->output_tail(), "second\n");
}

TEST_F(Child, IsGivenListenersAsSystemdDoes) {
  const unique_fd first{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const unique_fd second{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const unique_fd third{::open("/dev/zero", O_RDONLY | O_CLOEXEC)};
  auto& it = start({.what = subject({"describe"}),
                    .descriptors = {{.fd = first.get(), .name = "web:1"},
                                    {.fd = third.get(), .number = 9, .variable = "WEB_FD"},
                                    {.fd = second.get()}}});
  RUN_UNTIL(it.ended());
  EXPECT_EQ(it.said("LISTEN_PID"), std::to_string(it.subject->pid()));
  EXPECT_EQ(it.said("LISTEN_FDS"), "2");
  EXPECT_EQ(it.said("LISTEN_FDNAMES"), "web_1:unknown");
  EXPECT_EQ(it.said("WEB_FD"), "9");
  EXPECT_EQ(it.said("descriptors"), "0,1,2,3,4,9,");
}

TEST_F(Child, IsNotGivenTwoDescriptorsUnderOneNumber) {
  const unique_fd one{::open("/dev/zero", O_RDONLY | O_CLOEXEC)};
  auto& it = start({.what = subject({"describe"}),
                    .descriptors = {{.fd = one.get(), .name = "web"},
                                    {.fd = one.get(), .name = "other", .number = 3}}});
  RUN_UNTIL(it.ended());
  EXPECT_THAT(it.why, StartsWith("descriptor \"other\" cannot be number 3: it is taken"));
}

TEST_F(Child, HearsWhatItSays) {
  auto& it = start({.what = subject({"notify", "STATUS=loading", "EXTEND_TIMEOUT_USEC=5000000",
                                     "nonsense", "READY=1\nSTATUS=done", "STOPPING=1"}),
                    .notify = true});
  RUN_UNTIL(it.ended());
  ASSERT_EQ(it.heard.size(), 5U) << "all of it, before its end";
  EXPECT_EQ(it.heard[0].status, "loading");
  EXPECT_EQ(it.heard[1].extend_timeout, std::chrono::seconds{5});
  EXPECT_TRUE(it.heard[3].ready);
  EXPECT_TRUE(it.heard[4].stopping);
  EXPECT_EQ(it.subject->status_text(), "done");
}

TEST_F(Child, LivesOnInTheProcessThatItNamedAsMain) {
  auto& it = start({.what = subject({"hand-over-main"}), .notify = true});
  RUN_UNTIL(!it.heard.empty());
  const pid_t main = it.subject->main_pid();
  EXPECT_NE(main, it.subject->pid());
  EXPECT_EQ(it.heard[0].main_pid, main);
  // The first process ends at once, and that is no news.
  RUN_UNTIL(!is_alive(it.subject->pid()));
  run_ready();
  EXPECT_FALSE(it.status);
  ASSERT_TRUE(it.subject->send(SIGKILL));
  RUN_UNTIL(it.ended());
  EXPECT_FALSE(it.status->known()) << "a grandchild's status is not ours to know";
}

TEST_F(Child, DoesNotTakeAStrangerForItsMainProcess) {
  auto& it =
      start({.what = subject({"notify", fmt::format("MAINPID={}", ::getppid())}), .notify = true});
  RUN_UNTIL(it.ended());
  EXPECT_EQ(it.subject->main_pid(), it.subject->pid());
}

TEST_F(Child, KeepsItsPidUntilItIsDestroyed) {
  auto& it = start({"exit", "0"});
  RUN_UNTIL(it.ended());
  EXPECT_EQ(lineage::start_time(it.subject->pid()), it.subject->identity().start_time);
  const pid_t pid = it.subject->pid();
  it.subject.reset();
  EXPECT_EQ(lineage::start_time(pid), 0U);
}

TEST_F(Child, IsKilledWithItsGroupWhenDestroyed) {
  auto& it = start_ready({"children", "3"});
  EXPECT_EQ(processes_with(it.subject->identity().marker).size(), 4U);
}

TEST_F(Child, MayBeDestroyedWhileItStarts) {
  for (int i = 0; i < 20; ++i) {
    child it{context()};
    it.start({.what = subject({"wait"})}, {.on_started = [] { ADD_FAILURE(); },
                                           .on_exit = [](const exit_status&) { ADD_FAILURE(); }});
  }
  run_ready();
}

TEST_F(Child, MayBeDestroyedByItsEvents) {
  auto it = std::make_unique<child>(context());
  bool gone = false;
  it->start({.what = subject({"wait"})}, {.on_started = [&] {
              it.reset();
              gone = true;
            }});
  RUN_UNTIL(gone);
  auto second = std::make_unique<child>(context());
  gone = false;
  second->start({.what = subject({"notify", "READY=1", "READY=1"}), .notify = true},
                {.on_notify = [&](const notification&) {
                  second.reset();
                  gone = true;
                }});
  RUN_UNTIL(gone);
}

TEST_F(Child, StartsAHundredTimesAndLeavesNothing) {
  for (int i = 0; i < 100; ++i) {
    watched it{context()};
    it.subject->start({.name = "x", .what = subject({"exit", std::to_string(i)}), .notify = true},
                      events_of(it));
    RUN_UNTIL(it.ended());
    ASSERT_EQ(it.status->code(), i);
  }
}

}  // namespace
}  // namespace baton::ondemand

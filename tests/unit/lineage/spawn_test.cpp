#include "lineage/spawn.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "baton/lineage/upgrade_error.hpp"
#include "lineage/origin.hpp"
#include "lineage/pidfd.hpp"

namespace baton::lineage {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// What a shell script prints to the descriptor $OUT when it is spawned.
class Spawn : public ::testing::Test {
 protected:
  std::string output_of(const std::string& script, std::vector<handed_descriptor> more = {}) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const unique_fd from{ends[0]};
    unique_fd to{ends[1]};
    more.push_back({to.get(), "OUT"});
    const auto child = spawn({"/bin/sh", {"-c", script}, std::move(more)});
    to.reset();
    if (!child) {
      ADD_FAILURE() << child.error().why;
      return {};
    }
    std::string text;
    char buffer[4096];
    for (ssize_t size = 0; (size = ::read(from.get(), buffer, sizeof buffer)) > 0;)
      text.append(buffer, static_cast<std::size_t>(size));
    EXPECT_EQ(::waitpid(child->pid, &status_, 0), child->pid);
    return text;
  }

  int status_ = -1;
};

TEST_F(Spawn, GivesTheChildStandardStreamsAndWhatWasNamedAndNothingElse) {
  const unique_fd stray{::open("/dev/full", O_RDONLY)};  // not even close-on-exec
  const unique_fd given{::open("/dev/zero", O_RDONLY | O_CLOEXEC)};
  const auto text = output_of("readlink /proc/$$/fd/$GIVEN >&$OUT; ls -l /proc/$$/fd >&$OUT; true",
                              {{given.get(), "GIVEN"}});
  EXPECT_THAT(text, StartsWith("/dev/zero\n"));
  EXPECT_THAT(text, HasSubstr(" 3 -> /dev/zero"));
  EXPECT_THAT(text, HasSubstr(" 4 -> pipe:"));
  EXPECT_THAT(text, Not(HasSubstr(" 5 ->")));
  EXPECT_THAT(text, Not(HasSubstr("/dev/full")));
}

TEST_F(Spawn, NeverPassesOnWhatOnlyThisProcessWasMeantToSee) {
  const auto text = output_of("env >&$OUT");
  EXPECT_THAT(text, HasSubstr("PATH="));
  for (const auto* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_PID",
                           "BATON_HANDOFF", "BATON_SUPERVISOR"})
    EXPECT_THAT(text, Not(HasSubstr(name)));
}

// F07
TEST_F(Spawn, BlocksEarlySignalsInTheChild) {
  const auto child = spawn({"/bin/sleep", {"1000"}, {}});
  ASSERT_TRUE(child);
  std::ifstream file{fmt::format("/proc/{}/status", child->pid)};
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  ::kill(child->pid, SIGKILL);
  ASSERT_EQ(::waitpid(child->pid, nullptr, 0), child->pid);
  unsigned long long mask = 0;
  const auto line = text.find("SigBlk:");
  ASSERT_NE(line, std::string::npos);
  ASSERT_EQ(std::sscanf(text.c_str() + line, "SigBlk: %llx", &mask), 1) << text;
  for (const int signal : {SIGUSR1, SIGUSR2, SIGHUP, SIGQUIT, SIGTERM, SIGINT, SIGCHLD})
    EXPECT_TRUE((mask >> (signal - 1)) & 1U) << signal;
  EXPECT_FALSE((mask >> (SIGSEGV - 1)) & 1U);
}

// F07
TEST_F(Spawn, LetsAnEarlySignalWaitUntilTheChildHasItsHandlers) {
  const unique_fd channel{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  for (int i = 0; i < 20; ++i) {
    const auto child =
        spawn({origin().executable, {"--child", "early"}, {{channel.get(), "BATON_HANDOFF"}}});
    ASSERT_TRUE(child);
    ::kill(child->pid, SIGUSR1);
    ASSERT_EQ(::waitpid(child->pid, &status_, 0), child->pid);
    ASSERT_EQ(describe_status(status_), "exited with status 9");
  }
}

TEST_F(Spawn, ResetsSignalsThatThisProcessIgnores) {
  ::signal(SIGPIPE, SIG_IGN);
  const auto text = output_of("grep SigIgn /proc/self/status >&$OUT");
  ::signal(SIGPIPE, SIG_DFL);
  unsigned long long mask = 0;
  ASSERT_EQ(std::sscanf(text.c_str(), "SigIgn: %llx", &mask), 1) << text;
  EXPECT_FALSE((mask >> (SIGPIPE - 1)) & 1U);
}

TEST_F(Spawn, StartsInTheWorkingDirectoryOfTheStart) {
  ASSERT_EQ(::chdir("/"), 0);
  const auto text = output_of("pwd -L >&$OUT");
  ASSERT_EQ(::chdir(origin().directory.c_str()), 0);
  EXPECT_EQ(text, origin().directory + '\n');
}

TEST_F(Spawn, NamesAProgramThatIsMissing) {
  const auto child = spawn({"/nowhere/program", {}, {}});
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code, make_error_code(upgrade_error::executable_missing));
  EXPECT_THAT(child.error().why, HasSubstr("\"/nowhere/program\" cannot be executed: ENOENT"));
}

TEST_F(Spawn, NamesAProgramThatIsADirectory) {
  const auto child = spawn({"/tmp", {}, {}});
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code, make_error_code(upgrade_error::executable_missing));
}

TEST_F(Spawn, NamesADescriptorThatIsNotOpen) {
  const auto child = spawn({"/bin/true", {}, {{987'654, "NONE"}}});
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code, make_error_code(upgrade_error::spawn_failed));
  EXPECT_THAT(child.error().why, HasSubstr("EBADF"));
}

TEST(Origin, IsThisProgramByTheNameItWasStartedWith) {
  const auto& from = origin();
  ASSERT_FALSE(from.arguments.empty());
  EXPECT_THAT(from.executable, HasSubstr("lineage_test"));
  EXPECT_TRUE(from.executable.starts_with('/'));
  EXPECT_EQ(from.variable("PATH"), std::getenv("PATH"));
  EXPECT_EQ(from.variable("NO_SUCH_VARIABLE"), "");
}

TEST(Origin, IsScrubbedOfPrivateVariables) {
  ::setenv("NOTIFY_SOCKET", "/nowhere", 1);
  ::setenv("LISTEN_FDS", "1", 1);
  scrub_environment();
  EXPECT_EQ(std::getenv("NOTIFY_SOCKET"), nullptr);
  EXPECT_EQ(std::getenv("LISTEN_FDS"), nullptr);
}

TEST(Pidfd, KnowsAProcessByItsStartTime) {
  EXPECT_GT(start_time(::getpid()), 0U);
  EXPECT_EQ(start_time(::getpid()), start_time(::getpid()));
  EXPECT_EQ(start_time(1 << 22), 0U);
}

TEST(Pidfd, DescribesAStatusInWords) {
  EXPECT_EQ(describe_status(3 << 8), "exited with status 3");
  EXPECT_EQ(describe_status(SIGSEGV), "was killed by SIGSEGV (Segmentation fault)");
}

}  // namespace
}  // namespace baton::lineage

#include "baton/lineage/generation.hpp"

#include <dirent.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <csignal>
#include <deque>
#include <filesystem>
#include <fstream>
#include <optional>

#include "baton/base/log.hpp"
#include "lineage/handoff.hpp"
#include "lineage/origin.hpp"
#include "unit/lineage/child_program.hpp"

namespace baton::lineage {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using words = std::vector<std::string>;

std::size_t open_descriptors() {
  const auto folder = std::filesystem::directory_iterator{"/proc/self/fd"};
  return static_cast<std::size_t>(std::distance(begin(folder), end(folder)));
}

bool has_children() {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/// One generation in this process; its children are this program again.
class Generation : public ::testing::Test {
 protected:
  Generation() {
    set_error_log([this](std::string_view line) { errors_ += std::string{line} + '\n'; });
    set_notice_log([this](std::string_view line) { notices_ += std::string{line} + '\n'; });
    set_info_log([](std::string_view) {});
    options_.executable = origin().executable;
    options_.ready_timeout = 20s;
  }
  ~Generation() override { reset_logs(); }

  void begin() {
    generation_events events;
    events.prepare_offer = [this] {
      lineage::offer offered;
      for (std::size_t i = 0; i < doors_.size(); ++i)
        offered.listeners.push_back(
            {fmt::format("listener {}", i), fmt::format("address {}", i), doors_[i].get()});
      if (!state_.empty()) offered.state.push_back({"blob", 3, state_});
      return offered;
    };
    events.on_handed_over = [this](pid_t pid) { story_ += fmt::format("handed over {};", pid); };
    events.on_rolled_back = [this] {
      story_ += "rolled back;";
      context_.stop();
    };
    events.on_final = [this] { story_ += "final;"; };
    events.on_failed = [this](std::string_view why) { reason_ = why; };
    generation_.emplace(context_, options_, events);
    generation_->ready();
  }

  /// The child's words for the next upgrade. The options are copied, so the generation is new.
  void begin(const words& child) {
    options_.arguments = {"--child"};
    options_.arguments.insert(options_.arguments.end(), child.begin(), child.end());
    begin();
  }

  void run_until_stopped() {
    context_.restart();
    context_.run_for(60s);
    ASSERT_TRUE(context_.stopped());
  }

  result<pid_t> upgrade() {
    std::optional<result<pid_t>> outcome;
    generation_->upgrade([&](result<pid_t> ended) {
      EXPECT_FALSE(outcome) << "completed twice";
      outcome = ended;
      context_.stop();
    });
    if (!outcome) run_until_stopped();
    return outcome.value_or(make_error_code(boost::system::errc::timed_out));
  }

  /// Ends this generation, and waits for the child to follow its farewell.
  int farewell(pid_t child, const std::vector<state_blob>& last = {}) {
    generation_->done("bye", last);
    generation_.reset();
    int status = -1;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return status;
  }

  void expect_failure(const words& child, upgrade_error code, const std::string& sentence) {
    begin(child);
    const auto before = open_descriptors();
    EXPECT_EQ(upgrade().error(), make_error_code(code));
    EXPECT_THAT(errors_, HasSubstr("start new process failed: "));
    EXPECT_THAT(errors_, HasSubstr(sentence));
    EXPECT_THAT(reason_, HasSubstr(sentence));
    EXPECT_THAT(reason_, HasSubstr(" and try again"));
    EXPECT_THAT(errors_, HasSubstr("this generation goes on serving"));
    EXPECT_EQ(generation_->phase(), phase::serving);
    EXPECT_FALSE(generation_->handed_over());
    EXPECT_EQ(story_, "");
    EXPECT_EQ(open_descriptors(), before);
    EXPECT_FALSE(has_children());
  }

  boost::asio::io_context context_{1};
  generation_options options_;
  std::vector<unique_fd> doors_;
  std::string state_;
  std::string errors_;
  std::string notices_;
  std::string story_;
  std::string reason_;
  std::optional<generation> generation_;
};

TEST_F(Generation, BeginsAsTheFirstAndServesOnceItIsReady) {
  options_.pid_file = fmt::format("{}/baton-{}.pid", ::testing::TempDir(), ::getpid());
  begin();
  EXPECT_EQ(generation_->number(), 1U);
  EXPECT_EQ(generation_->phase(), phase::serving);
  EXPECT_FALSE(generation_->has_parent());
  pid_t written = 0;
  std::ifstream{options_.pid_file} >> written;
  EXPECT_EQ(written, ::getpid());
  generation_->done({});
  EXPECT_EQ(generation_->phase(), phase::stopped);
  EXPECT_FALSE(std::filesystem::exists(options_.pid_file));
  EXPECT_GE(context_.run(), 0U) << "no work is left";
}

TEST_F(Generation, HandsOverToAChildThatIsReady) {
  begin({"arrive", "ready", "serve"});
  const auto before = open_descriptors();
  const auto child = upgrade();
  ASSERT_TRUE(child) << errors_;
  EXPECT_EQ(story_, fmt::format("handed over {};final;", *child));
  EXPECT_THAT(notices_, HasSubstr(fmt::format("start new process success, pid {}.", *child)));
  EXPECT_TRUE(generation_->handed_over());
  EXPECT_EQ(generation_->phase(), phase::draining);
  EXPECT_EQ(upgrade().error(), make_error_code(upgrade_error::not_serving));
  EXPECT_EQ(farewell(*child), 0);
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(Generation, HandsOverAThousandListenersAndFiveMebibytesOfState) {
  for (int i = 0; i < 1'000; ++i)
    doors_.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_TRUE(doors_.back()) << "ulimit -n";
  const std::size_t size = 5 * 1024 * 1024;
  for (std::size_t i = 0; i < size; ++i) state_ += state_byte(i);
  begin({"arrive", "expect", "1000", std::to_string(size), "ready", "serve"});
  const auto child = upgrade();
  ASSERT_TRUE(child) << errors_;
  EXPECT_EQ(farewell(*child), 0);
}

TEST_F(Generation, TellsItsChildWhatItStillHasToSayWhenItHasDrained) {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, handoff::max_payload, std::size_t{3 * 1024 * 1024 + 1}}) {
    std::string bytes;
    for (std::size_t i = 0; i < size; ++i) bytes += state_byte(i);
    begin({"arrive", "ready", "serve_for_last", "2", std::to_string(size)});
    const auto child = upgrade();
    ASSERT_TRUE(child) << errors_;
    EXPECT_EQ(farewell(*child, {{"last 0", 0, bytes}, {"last 1", 1, bytes}}), 0) << size;
  }
}

TEST_F(Generation, TakesOtherDeadlinesForTheNextUpgrade) {
  begin({"arrive", "sleep"});
  auto wanted = options_;
  wanted.ready_timeout = 1ms;
  generation_->update(wanted);
  EXPECT_EQ(upgrade().error(), make_error_code(upgrade_error::child_late));
  EXPECT_THAT(errors_, HasSubstr("was not ready within 0.001 s"));
}

TEST_F(Generation, GoesOnServingWhenTheChildExits) {
  expect_failure({"exit", "3"}, upgrade_error::child_exited, "exited with status 3 before it was");
}

TEST_F(Generation, GoesOnServingWhenTheChildIsKilled) {
  expect_failure({"arrive", "abort"}, upgrade_error::child_exited, "was killed by SIGKILL");
}

TEST_F(Generation, GoesOnServingWhenTheChildRefuses) {
  expect_failure({"arrive", "refuse", "no luck today"}, upgrade_error::child_refused,
                 "refused: no luck today");
}

TEST_F(Generation, IsToldByAChildThatMayNotOpenSoManyDescriptors) {
  for (int i = 0; i < 100; ++i)
    doors_.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  expect_failure({"limit", "50", "arrive", "ready"}, upgrade_error::child_refused,
                 "raise the limit of open files (RLIMIT_NOFILE");
}

TEST_F(Generation, KillsAChildThatHangsBeforeItTakesTheChannel) {
  options_.ready_timeout = 200ms;
  expect_failure({"sleep"}, upgrade_error::child_late, "was not ready within 0.2 s and was killed");
}

TEST_F(Generation, KillsAChildThatHangsAfterItsArrival) {
  options_.ready_timeout = 300ms;
  expect_failure({"arrive", "sleep"}, upgrade_error::child_late, "was not ready within 0.3 s");
}

TEST_F(Generation, KillsAChildThatSendsGarbage) {
  expect_failure({"garbage", "sleep"}, upgrade_error::channel_broken, "shorter than its header");
}

TEST_F(Generation, RefusesAProgramThatIsGone) {
  options_.executable = "/nowhere/at-all";
  expect_failure({}, upgrade_error::executable_missing,
                 "\"/nowhere/at-all\" cannot be executed: ENOENT");
}

TEST_F(Generation, ReportsAProgramThatCannotBeLoaded) {
  const auto path = fmt::format("{}/not-a-program-{}", ::testing::TempDir(), ::getpid());
  std::ofstream{path} << "\177ELF nothing";
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  options_.executable = path;
  expect_failure({}, upgrade_error::spawn_failed, "ENOEXEC");
  std::filesystem::remove(path);
}

TEST_F(Generation, RefusesStateThatIsTooMuch) {
  state_.assign(64 * 1024 * 1024 + 1, 'x');
  expect_failure({"arrive", "ready", "serve"}, upgrade_error::channel_broken, "67108865 bytes");
}

TEST_F(Generation, GivesAChildThatReportsProgressMoreTime) {
  options_.ready_timeout = 1s;
  begin({"arrive", "slow", "40", "ready", "serve"});  // 1.6 s
  const auto child = upgrade();
  ASSERT_TRUE(child) << errors_;
  EXPECT_EQ(farewell(*child), 0);
}

TEST_F(Generation, GivesNoMoreTimeThanTheCap) {
  options_.ready_timeout = 1s;
  options_.ready_timeout_cap = 1'500ms;
  expect_failure({"arrive", "slow", "10000", "ready"}, upgrade_error::child_late,
                 "was not ready at the cap of 1.5 s");
}

TEST_F(Generation, RefusesASecondUpgradeAtOnce) {
  begin({"arrive", "ready", "serve"});
  std::optional<result<pid_t>> first;
  error_code second;
  generation_->upgrade([&](result<pid_t> outcome) {
    first = outcome;
    context_.stop();
  });
  generation_->upgrade([&](result<pid_t> outcome) { second = outcome.error(); });
  EXPECT_EQ(second, make_error_code(upgrade_error::in_progress));
  EXPECT_THAT(errors_, HasSubstr("an upgrade is in progress"));
  run_until_stopped();
  ASSERT_TRUE(first && first->has_value()) << errors_;
  EXPECT_EQ(farewell(**first), 0);
}

TEST_F(Generation, ServesAgainWhenTheChildDiesWithinItsProbation) {
  options_.probation = 30s;
  options_.pid_file = fmt::format("{}/baton-probation-{}.pid", ::testing::TempDir(), ::getpid());
  begin({"arrive", "ready", "serve"});
  const auto before = open_descriptors();
  const auto child = upgrade();
  ASSERT_TRUE(child) << errors_;
  EXPECT_TRUE(generation_->on_probation());
  EXPECT_EQ(story_, fmt::format("handed over {};", *child));
  ::kill(*child, SIGKILL);
  run_until_stopped();
  EXPECT_EQ(story_, fmt::format("handed over {};rolled back;", *child));
  EXPECT_FALSE(generation_->on_probation());
  EXPECT_FALSE(generation_->handed_over());
  EXPECT_EQ(generation_->phase(), phase::serving);
  EXPECT_THAT(errors_, HasSubstr("was killed by SIGKILL (Killed) within its probation"));
  EXPECT_EQ(open_descriptors(), before);
  const auto next = upgrade();
  ASSERT_TRUE(next) << errors_;
  EXPECT_EQ(farewell(*next), 0);
  std::filesystem::remove(options_.pid_file);
}

TEST_F(Generation, IsFinalWhenTheProbationEnds) {
  options_.probation = 50ms;
  begin({"arrive", "ready", "serve"});
  const auto child = upgrade();
  ASSERT_TRUE(child) << errors_;
  context_.restart();
  while (generation_->on_probation()) context_.run_one_for(20s);
  EXPECT_EQ(story_, fmt::format("handed over {};final;", *child));
  EXPECT_EQ(farewell(*child), 0);
}

TEST_F(Generation, IsFinalWhenTheChildLeavesOnPurposeWithinTheProbation) {
  options_.probation = 30s;
  begin({"arrive", "ready", "leave"});
  const auto child = upgrade();
  ASSERT_TRUE(child) << errors_;
  ::kill(*child, SIGUSR1);
  context_.restart();
  while (generation_->on_probation()) ASSERT_EQ(context_.run_one_for(20s), 1U);
  EXPECT_EQ(story_, fmt::format("handed over {};final;", *child));
  EXPECT_EQ(generation_->phase(), phase::draining);
  EXPECT_FALSE(has_children());
}

TEST_F(Generation, LogsAndReapsAChildThatDiesAfterTheHandoverIsFinal) {
  begin({"arrive", "ready", "serve"});
  const auto child = upgrade();
  ASSERT_TRUE(child) << errors_;
  ::kill(*child, SIGKILL);
  context_.restart();
  while (has_children()) ASSERT_EQ(context_.run_one_for(20s), 1U);
  EXPECT_THAT(errors_, HasSubstr("was killed by SIGKILL (Killed) while this generation still"));
  EXPECT_EQ(generation_->phase(), phase::draining);
}

TEST_F(Generation, KillsAnUnreadyChildWhenItLeaves) {
  begin({"arrive", "sleep"});
  error_code outcome;
  generation_->upgrade([&](result<pid_t> ended) {
    outcome = ended.error();
    context_.stop();
  });
  boost::asio::post(context_, [&] { generation_->leave(); });
  run_until_stopped();
  EXPECT_EQ(outcome, make_error_code(upgrade_error::not_serving));
  EXPECT_EQ(generation_->phase(), phase::announcing);
  generation_->done({});
  EXPECT_FALSE(has_children());
}

TEST_F(Generation, ReapsAnUnreadyChildWhenItIsDone) {
  begin({"arrive", "sleep"});
  error_code outcome;
  generation_->upgrade([&](result<pid_t> ended) { outcome = ended.error(); });
  generation_->done({});
  EXPECT_EQ(outcome, make_error_code(upgrade_error::not_serving));
  EXPECT_FALSE(has_children());
}

// F03
TEST_F(Generation, LeaksNothingOverAHundredFailedUpgrades) {
  const auto script = fmt::format("{}/fails-first-{}", ::testing::TempDir(), ::getpid());
  const auto link = script + ".link";
  std::filesystem::create_symlink("/bin/false", link);
  options_.executable = link;
  begin({"arrive", "ready", "serve"});
  const auto before = open_descriptors();
  for (int i = 0; i < 100; ++i)
    ASSERT_EQ(upgrade().error(), make_error_code(upgrade_error::child_exited)) << errors_;
  EXPECT_EQ(open_descriptors(), before);
  EXPECT_FALSE(has_children());
  std::filesystem::remove(link);
  std::filesystem::create_symlink(origin().executable, link);
  const auto child = upgrade();
  std::filesystem::remove(link);
  ASSERT_TRUE(child) << errors_;
  EXPECT_EQ(farewell(*child), 0);
}

TEST_F(Generation, TellsAnUnsupportedConfigurationBeforeItBegins) {
  options_.pid_file = "/nowhere/at/all.pid";
  EXPECT_THROW(begin(), setup_error);
}

#ifdef BATON_FAULT_POINTS

/// F01: the child dies or hangs at a named step; then the next upgrade works.
class GenerationSurvives : public Generation, public ::testing::WithParamInterface<const char*> {};

TEST_P(GenerationSurvives, AChildThatIsKilledThere) {
  for (int i = 0; i < 450; ++i)
    doors_.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  expect_failure({"set", "BATON_FAULT", fmt::format("{}:kill", GetParam()), "arrive", "ready"},
                 upgrade_error::child_exited, "was killed by SIGKILL");
}

TEST_P(GenerationSurvives, AChildThatHangsThere) {
  options_.ready_timeout = 400ms;
  doors_.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  expect_failure({"set", "BATON_FAULT", fmt::format("{}:hang", GetParam()), "arrive", "ready"},
                 upgrade_error::child_late, "was not ready within 0.4 s");
}

INSTANTIATE_TEST_SUITE_P(Steps, GenerationSurvives,
                         ::testing::Values("child.spawned", "child.hello", "child.accepted",
                                           "child.between_chunks", "child.before_ready"),
                         [](const auto& step) {
                           std::string name{step.param};
                           std::erase_if(name, [](char c) { return c == '.' || c == '_'; });
                           return name;
                         });

// F10
TEST_F(Generation, IsRefusedByAChildOfAnotherVersionBeforeTrafficIsTouched) {
  expect_failure({"set", "BATON_FAULT_CHILD_VERSIONS", "7-9", "arrive", "ready"},
                 upgrade_error::version_mismatch, "this program 7 to 9");
}

TEST_F(Generation, AgreesOnTheHighestCommonVersion) {
  std::string agreed;
  set_info_log([&](std::string_view line) { agreed += line; });
  ::setenv("BATON_FAULT_PARENT_VERSIONS", "1-4", 1);
  begin({"set", "BATON_FAULT_CHILD_VERSIONS", "1-3", "arrive", "ready", "serve"});
  const auto child = upgrade();
  ::unsetenv("BATON_FAULT_PARENT_VERSIONS");
  ASSERT_TRUE(child) << errors_;
  EXPECT_THAT(agreed, HasSubstr("speaks handoff version 3"));
  EXPECT_EQ(farewell(*child), 0);
}

#endif

}  // namespace
}  // namespace baton::lineage

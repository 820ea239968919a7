#include "lineage/predecessors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>

#include "baton/base/log.hpp"
#include "lineage/pidfd.hpp"
#include "lineage/spawn.hpp"

namespace baton::lineage {
namespace {

using ::testing::HasSubstr;

/// Processes that wait until they are killed.
class Predecessors : public ::testing::Test {
 protected:
  Predecessors() {
    set_notice_log([this](std::string_view line) { notices_ += line; });
    set_info_log([this](std::string_view line) { infos_ += line; });
  }
  ~Predecessors() override {
    for (const auto& process : started_) {
      ::kill(process.pid, SIGKILL);
      ::waitpid(process.pid, nullptr, 0);
    }
    reset_logs();
  }

  handoff::process start() {
    const auto child = spawn({"/bin/sleep", {"1000"}, {}});
    const handoff::process made{static_cast<std::uint32_t>(started_.size() + 1), child->pid,
                                start_time(child->pid)};
    started_.push_back(made);
    return made;
  }

  boost::asio::io_context context_{1};
  std::vector<handoff::process> started_;
  std::string notices_;
  std::string infos_;
};

TEST_F(Predecessors, TellTheOldestBeyondTheLimitToLeave) {
  predecessors old{context_};
  for (int i = 0; i < 3; ++i) old.add(start());
  old.limit(3);
  EXPECT_EQ(notices_, "");
  old.limit(2);
  EXPECT_THAT(notices_, HasSubstr("generation 1 (pid "));
  // SIGTERM waits: a child of ours begins with it blocked, and sleep(1) never unblocks it.
  EXPECT_EQ(old.list(), started_);
  const auto told_once = notices_;
  old.limit(2);
  EXPECT_EQ(notices_, told_once);
}

TEST_F(Predecessors, AreForgottenWhenTheyEnd) {
  predecessors old{context_};
  for (int i = 0; i < 2; ++i) old.add(start());
  ::kill(started_[0].pid, SIGKILL);
  while (old.list().size() == 2) ASSERT_EQ(context_.run_one_for(std::chrono::seconds{20}), 1U);
  ASSERT_EQ(old.list().size(), 1U);
  EXPECT_EQ(old.list().front(), started_[1]);
  EXPECT_THAT(infos_, HasSubstr("generation 1 (pid "));
}

TEST_F(Predecessors, AreNeverAnotherProcessWithTheSamePid) {
  predecessors old{context_};
  auto process = start();
  ++process.start_time;
  old.add(process);
  EXPECT_TRUE(old.list().empty());
}

TEST_F(Predecessors, LeaveNoWorkBehind) {
  predecessors old{context_};
  old.add(start());
  old.close();
  EXPECT_LE(context_.run(), 1U);
}

}  // namespace
}  // namespace baton::lineage

#include <gtest/gtest.h>
#include <signal.h>

#include "ondemand/process/duration_text.hpp"
#include "ondemand/process/exit_status.hpp"
#include "ondemand/process/notification.hpp"
#include "ondemand/process/output_tail.hpp"

namespace baton::ondemand {
namespace {

using namespace std::chrono_literals;

TEST(DurationText, IsShort) {
  EXPECT_EQ(in_words(0ms), "0 ms");
  EXPECT_EQ(in_words(999ms), "999 ms");
  EXPECT_EQ(in_words(1000ms), "1 s");
  EXPECT_EQ(in_words(3249ms), "3.2 s");
  EXPECT_EQ(in_words(60s), "1 min");
  EXPECT_EQ(in_words(90s), "1 min 30 s");
}

TEST(ExitStatus, KnowsItsKind) {
  const auto fine = exit_status::from_wait(0);
  EXPECT_TRUE(fine.success());
  EXPECT_EQ(fine.code(), 0);
  EXPECT_FALSE(fine.signal());
  const auto crashed = exit_status::from_wait(SIGSEGV | 0x80);
  EXPECT_TRUE(crashed.dumped_core());
  EXPECT_EQ(crashed.signal(), SIGSEGV);
  EXPECT_FALSE(crashed.code());
  EXPECT_EQ(crashed.to_string(), "was killed by SIGSEGV (Segmentation fault, core dumped)");
  EXPECT_FALSE(exit_status{}.known());
  EXPECT_FALSE(exit_status{}.success());
}

TEST(Notification, IsReadAssignmentByAssignment) {
  const auto it = notification::parse(
      "READY=1\nSTATUS=a=b\nMAINPID=4711\nERRNO=2\nEXTEND_TIMEOUT_USEC=1500000\nFDSTORE=1\n");
  EXPECT_TRUE(it.ready);
  EXPECT_FALSE(it.stopping);
  EXPECT_EQ(it.status, "a=b");
  EXPECT_EQ(it.main_pid, 4711);
  EXPECT_EQ(it.error_number, 2);
  EXPECT_EQ(it.extend_timeout, 1500ms);
}

TEST(Notification, LeavesOutWhatCannotBeRead) {
  const auto it = notification::parse(
      "READY=2\nMAINPID=1\nMAINPID=x\nEXTEND_TIMEOUT_USEC=-5\nERRNO=\n\n=\nREADY");
  EXPECT_FALSE(it.ready);
  EXPECT_FALSE(it.main_pid);
  EXPECT_FALSE(it.extend_timeout);
  EXPECT_FALSE(it.error_number);
  EXPECT_FALSE(notification::parse("").ready);
}

TEST(OutputTail, HoldsSoManyLinesAndBytes) {
  output_tail it;
  EXPECT_TRUE(it.empty());
  for (int i = 0; i < 100; ++i) it.add(std::to_string(i));
  EXPECT_EQ(it.text().substr(0, 3), "36\n");
  it.add(std::string(output_tail::max_bytes * 2, 'x'));
  EXPECT_EQ(it.text(), std::string(output_tail::max_bytes - 1, 'x') + '\n');
}

}  // namespace
}  // namespace baton::ondemand

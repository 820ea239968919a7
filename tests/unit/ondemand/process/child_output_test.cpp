// What a child writes, and what becomes of a child that changes hands.

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>

#include "baton/base/log_subscription.hpp"
#include "lineage/pidfd.hpp"
#include "ondemand/process/child.hpp"
#include "ondemand/process/output_tail.hpp"
#include "unit/ondemand/process/process_fixture.hpp"

namespace baton::ondemand {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class ChildOutput : public ProcessTest {};

TEST_F(ChildOutput, GoesToTheLogLineByLine) {
  std::vector<std::string> lines;
  const auto subscription = subscribe_logs([&](const log_record& record) {
    if (record.message.starts_with("shop: ")) lines.emplace_back(record.message);
  });
  auto& it =
      start({.name = "shop", .what = program::shell("echo one; printf two; echo three >&2")});
  RUN_UNTIL(it.ended());
  std::ranges::sort(lines);
  EXPECT_THAT(lines, ElementsAre("shop: one", "shop: three", "shop: two"));
}

TEST_F(ChildOutput, IsKeptUpToTheLimits) {
  auto& it = start({"lines", "1000"});
  RUN_UNTIL(it.ended());
  const auto text = it.subject->output_tail();
  EXPECT_EQ(std::ranges::count(text, '\n'), static_cast<std::ptrdiff_t>(output_tail::max_lines));
  EXPECT_THAT(text, HasSubstr("line 999\n"));
  EXPECT_THAT(text, HasSubstr("an unfinished last line\n"));
}

TEST_F(ChildOutput, IsCutWhereALineIsTooLong) {
  auto& it =
      start({.what = program::shell("head -c 10000 /dev/zero | tr '\\0' x; echo; echo end")});
  RUN_UNTIL(it.ended());
  const auto text = it.subject->output_tail();
  EXPECT_EQ(text, fmt::format("{0}\n{0}\n{1}\nend\n", std::string(4096, 'x'),
                              std::string(10000 - 8192, 'x')));
}

TEST_F(ChildOutput, GoesToAFile) {
  const temporary_folder folder;
  auto what = program::shell("echo one; echo two >&2");
  what.standard_output = {output_target::file, folder.file("out")};
  what.standard_error = {output_target::null, {}};
  for (int i = 0; i < 2; ++i) {
    auto& it = start({.what = what});
    RUN_UNTIL(it.ended());
    EXPECT_EQ(it.subject->output_tail(), "");
  }
  EXPECT_EQ(read_all(folder.file("out")), "one\none\n");
}

TEST_F(ChildOutput, OfWhatWasLeftBehindDelaysNoEnd) {
  auto& it = start({.what = program::shell("sleep 1000 & echo gone")});
  RUN_UNTIL(it.ended());
  EXPECT_EQ(it.said("gone"), "");
  EXPECT_THAT(it.subject->output_tail(), EndsWith("gone\n"));
  EXPECT_EQ(stop(it.subject->identity()).signalled, 1U);
}

TEST_F(ChildOutput, OfAProgramThatWritesWithoutEndLeavesTheLoopItsTime) {
  auto& it = start({.what = program::shell("yes")});
  RUN_UNTIL(it.started && it.subject->output_tail().size() > 100);
  int turns = 0;
  // Each turn is bounded, so that others have theirs.
  RUN_UNTIL(++turns > 50);
  stop(it.subject->identity());
  RUN_UNTIL(it.ended());
}

class Adopted : public ProcessTest {};

TEST_F(Adopted, LivesOnWithItsNewHolder) {
  auto& first = start_ready({"wait"});
  const pid_t pid = first.subject->pid();
  auto handle = first.subject->release();
  EXPECT_FALSE(first.subject->running());
  first.subject.reset();
  EXPECT_TRUE(is_alive(pid));
  watched next{context()};
  ASSERT_TRUE(next.subject->adopt(std::move(handle), events_of(next)));
  EXPECT_EQ(next.subject->pid(), pid);
  EXPECT_TRUE(next.subject->running());
  ASSERT_TRUE(next.subject->send(SIGTERM));
  RUN_UNTIL(next.ended());
  EXPECT_EQ(next.status->signal(), SIGTERM) << "here it is our child all the same";
  ASSERT_EQ(lineage::reap(pid), SIGTERM);
}

TEST_F(Adopted, IsHeardAndReadOn) {
  const temporary_folder folder;
  ASSERT_EQ(::mkfifo(folder.file("go").c_str(), 0600), 0);
  auto what =
      program::shell(fmt::format("echo state ready; read line < {}; echo later; exec {} "
                                 "notify STATUS=later",
                                 folder.file("go"), PROCESS_SUBJECT));
  auto& first = start({.what = what, .notify = true});
  RUN_UNTIL(first.said("state") == "ready");
  const pid_t pid = first.subject->pid();
  auto handle = first.subject->share();
  static_cast<void>(first.subject->release());
  watched next{context()};
  ASSERT_TRUE(next.subject->adopt(std::move(handle), events_of(next)));
  {
    const unique_fd go{::open(folder.file("go").c_str(), O_WRONLY | O_CLOEXEC)};
    ASSERT_EQ(::write(go.get(), "go\n", 3), 3);
  }
  RUN_UNTIL(next.ended());
  EXPECT_EQ(next.subject->output_tail(), "state ready\nlater\n");
  EXPECT_EQ(next.subject->status_text(), "later");
  ASSERT_EQ(lineage::reap(pid), 0);
}

TEST_F(Adopted, IsNobodyWhoseStartTimeIsAnother) {
  auto& first = start_ready({"wait"});
  auto handle = first.subject->share();
  ++handle.main_start_time;
  watched next{context()};
  EXPECT_FALSE(next.subject->adopt(std::move(handle), events_of(next)));
  run_ready();
  EXPECT_FALSE(next.ended());
}

TEST_F(Adopted, IsNobodyWhoHasEnded) {
  auto& first = start_ready({"wait"});
  auto handle = first.subject->share();
  first.subject->send(SIGKILL);
  RUN_UNTIL(first.ended());
  watched next{context()};
  EXPECT_FALSE(next.subject->adopt(std::move(handle), events_of(next)));
}

TEST_F(Adopted, OfAnotherParentHasNoKnownStatus) {
  // The subject's descendant is nobody's child here.
  auto& first = start_ready({"fork-away"});
  const pid_t away = first.pid_of("away");
  watched next{context()};
  ASSERT_TRUE(
      next.subject->adopt({.name = "away",
                           .identity = {.leader = away, .start_time = lineage::start_time(away)},
                           .main = away,
                           .main_start_time = lineage::start_time(away)},
                          events_of(next)));
  next.subject->send(SIGKILL);
  RUN_UNTIL(next.ended());
  EXPECT_FALSE(next.status->known());
  EXPECT_THAT(next.status->to_string(), StartsWith("ended (its status is known only"));
}

}  // namespace
}  // namespace baton::ondemand

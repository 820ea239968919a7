#include "baton/base/log.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include <string>
#include <thread>
#include <vector>

#include "baton/base/error.hpp"

namespace baton {
namespace {

class Log : public ::testing::Test {
 protected:
  void TearDown() override {
    reset_logs();
    set_log_generation(0);
  }
};

TEST_F(Log, EachLevelHasItsOwnCallback) {
  std::string info, notice, error;
  set_info_log([&](std::string_view line) { info = line; });
  set_notice_log([&](std::string_view line) { notice = line; });
  set_error_log([&](std::string_view line) { error = line; });
  log_info("one");
  log_notice("two");
  log_error("three");
  EXPECT_NE(info.find("one"), std::string::npos);
  EXPECT_NE(notice.find("two"), std::string::npos);
  EXPECT_NE(error.find("three"), std::string::npos);
}

TEST_F(Log, ALineSaysPidAndGeneration) {
  std::string line;
  set_notice_log([&](std::string_view text) { line = text; });
  set_log_generation(7);
  log_notice("Received SIG. [PID:1, SIG:USR1]");
  EXPECT_EQ(line, "[generation 7, pid " + std::to_string(::getpid()) +
                      "] Received SIG. [PID:1, SIG:USR1]");
}

TEST_F(Log, BeforeTheGenerationIsKnownALineSaysOnlyThePid) {
  std::string line;
  set_info_log([&](std::string_view text) { line = text; });
  log_info("starting");
  EXPECT_EQ(line, "[pid " + std::to_string(::getpid()) + "] starting");
}

TEST_F(Log, ACallbackMayTakeTheStructuredRecord) {
  std::vector<std::pair<std::string, std::string>> fields;
  std::string message;
  set_error_log([&](const log_record& record) {
    message = record.message;
    for (const auto& field : record.fields) fields.emplace_back(field.key, field.value);
  });
  log_error("start new process failed", {{"event", "upgrade_failed"}, {"status", "3"}});
  EXPECT_EQ(message, "start new process failed");
  ASSERT_EQ(fields.size(), 2U);
  EXPECT_EQ(fields[1], (std::pair<std::string, std::string>{"status", "3"}));
}

TEST_F(Log, ACallbackMayLogAndReplaceCallbacks) {
  std::string second;
  set_info_log([&](std::string_view) {
    set_info_log([&](std::string_view line) { second = line; });
    log_info("from within");
  });
  log_info("outer");
  EXPECT_NE(second.find("from within"), std::string::npos);
}

TEST_F(Log, ManyThreadsMayLogWhileACallbackIsReplaced) {
  std::atomic<int> lines{0};
  set_info_log([&](std::string_view) { ++lines; });
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([] {
      for (int n = 0; n < 500; ++n) log_info("x");
    });
  for (int n = 0; n < 100; ++n) set_info_log([&](std::string_view) { ++lines; });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(lines, 2000);
}

TEST_F(Log, TheDefaultSinkWritesToStandardError) {
  ::testing::internal::CaptureStderr();
  log_error("nobody set a callback");
  flush_logs();
  const auto written = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(written.find("[error] [pid "), std::string::npos) << written;
  EXPECT_NE(written.find("nobody set a callback"), std::string::npos) << written;
}

TEST(Error, AnErrnoIsNamedAndDescribed) {
  EXPECT_EQ(describe_errno(EADDRINUSE), "EADDRINUSE (Address already in use)");
  EXPECT_EQ(describe_errno(99999), "unknown (no description)");
}

}  // namespace
}  // namespace baton

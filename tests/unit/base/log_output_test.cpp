#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include "baton/base/error.hpp"
#include "baton/base/log.hpp"
#include "log_place.hpp"

namespace baton {
namespace {

using namespace std::chrono_literals;
using test::count_with;

class LogOutput : public ::testing::Test {
 protected:
  LogOutput() { reset_logs(); }
  ~LogOutput() override {
    configure_logs({});
    set_log_generation(0);
    flush_logs();
  }

  test::folder place_;
};

TEST_F(LogOutput, AnObjectALineWithTimeLevelMessagePidGenerationAndFields) {
  configure_logs({.format = log_format::json, .file = place_.file("log")});
  set_log_generation(3);
  log_notice("said \"so\"\nand more", {{"event", "test"}, {"pid", "of another"}, {"bad", "\xFF"}});
  ASSERT_TRUE(flush_logs());
  const auto lines = place_.lines("log");
  ASSERT_EQ(lines.size(), 1U);
  const std::regex wanted{
      R"re(\{"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z","level":"notice",)re"
      R"re("message":"said \\"so\\"\\nand more","pid":(\d+),"generation":3,)re"
      R"re("event":"test","pid_":"of another","bad":"\xEF\xBF\xBD"\})re"};
  std::smatch found;
  ASSERT_TRUE(std::regex_match(lines[0], found, wanted)) << lines[0];
  EXPECT_EQ(found[1], std::to_string(::getpid()));
}

TEST_F(LogOutput, ATextLineHasTheFieldsBehindTheMessage) {
  configure_logs({.file = place_.file("log")});
  log_info("one\ntwo", {{"event", "a b"}});
  ASSERT_TRUE(flush_logs());
  const auto lines = place_.lines("log");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find(fmt::format("[info] [pid {}] one\\ntwo event=\"a b\"", ::getpid())),
            std::string::npos)
      << lines[0];
}

TEST_F(LogOutput, WhatIsBelowTheLevelGoesNowhere) {
  configure_logs({.level = log_level::notice, .file = place_.file("log")});
  bool heard = false;
  set_info_log([&](std::string_view) { heard = true; });
  log_info("too quiet");
  reset_logs();
  log_info("too quiet");
  log_notice("loud");
  set_log_level(log_level::error);
  log_notice("too quiet now");
  EXPECT_EQ(current_log_level(), log_level::error);
  set_log_level(log_level::info);
  log_info("loud enough now");
  ASSERT_TRUE(flush_logs());
  EXPECT_FALSE(heard);
  const auto lines = place_.lines("log");
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_NE(lines[0].find("loud"), std::string::npos);
  EXPECT_NE(lines[1].find("loud enough now"), std::string::npos);
}

TEST_F(LogOutput, AFileIsMadeForItsOwnerAndGroupAndClosedOnExec) {
  const auto old = ::umask(0);
  configure_logs({.file = place_.file("log")});
  ::umask(old);
  struct stat information {};
  ASSERT_EQ(::stat(place_.file("log").c_str(), &information), 0);
  EXPECT_EQ(information.st_mode & 07777U, 0640U);
  std::size_t found = 0;
  for (const auto& each : std::filesystem::directory_iterator{"/proc/self/fd"}) {
    struct stat its {};
    const int fd = std::stoi(each.path().filename().string());
    if (::fstat(fd, &its) != 0 || its.st_ino != information.st_ino ||
        its.st_dev != information.st_dev)
      continue;
    ++found;
    EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_NE(::fcntl(fd, F_GETFL) & O_APPEND, 0);
  }
  EXPECT_EQ(found, 1U);
}

TEST_F(LogOutput, AFileThatCannotBeOpenedChangesNothing) {
  configure_logs({.file = place_.file("log")});
  const auto refused = [&](const log_options& options, const std::string& reason) {
    try {
      configure_logs(options);
      ADD_FAILURE() << "configure_logs took " << options.file;
    } catch (const setup_error& error) {
      EXPECT_NE(std::string{error.what()}.find(reason), std::string::npos) << error.what();
    }
  };
  refused({.level = log_level::error, .format = log_format::json, .file = place_.file("no/log")},
          "ENOENT");
  refused({.file = place_.file(".")}, "EISDIR");
  refused({.queue = 0}, "log_options::queue is 0");
  log_info("as before");
  ASSERT_TRUE(flush_logs());
  EXPECT_EQ(count_with(place_.lines("log"), "[info] "), 1U);
}

TEST_F(LogOutput, AfterARenameTheOldFileGoesOnUntilReopen) {
  configure_logs({.file = place_.file("log")});
  log_info("one");
  ASSERT_TRUE(flush_logs());
  place_.move("log", "log.1");
  log_info("two");
  ASSERT_TRUE(flush_logs());
  EXPECT_EQ(place_.lines("log.1").size(), 2U);
  EXPECT_FALSE(std::filesystem::exists(place_.file("log")));
  reopen_logs();
  log_info("three");
  ASSERT_TRUE(flush_logs());
  EXPECT_EQ(place_.lines("log.1").size(), 2U);
  EXPECT_EQ(count_with(place_.lines("log"), "three"), 1U);
}

TEST_F(LogOutput, AnotherFileInItsPlaceIsFollowedByItself) {
  configure_logs({.file = place_.file("log")});
  log_info("one");
  ASSERT_TRUE(flush_logs());
  place_.move("log", "log.1");
  { std::ofstream made{place_.file("log")}; }
  log_info("two");
  ASSERT_TRUE(flush_logs());
  EXPECT_EQ(place_.lines("log.1").size(), 1U);
  EXPECT_EQ(count_with(place_.lines("log"), "two"), 1U);
}

TEST_F(LogOutput, WhenReopenFailsTheOldFileGoesOn) {
  std::filesystem::create_directory(place_.file("sub"));
  configure_logs({.file = place_.file("sub/log")});
  log_info("one");
  ASSERT_TRUE(flush_logs());
  place_.move("sub", "gone");
  EXPECT_THROW(reopen_logs(), setup_error);
  log_info("two");
  ASSERT_TRUE(flush_logs());
  EXPECT_EQ(place_.lines("gone/log").size(), 2U);
}

TEST_F(LogOutput, AStoppedReaderHoldsNobodyUpAndWhatIsDroppedIsSaid) {
  test::stopped_reader reader{place_.file("pipe")};
  configure_logs({.file = place_.file("pipe"), .queue = 100});
  const auto before = log_counts();
  const std::string filler(1000, 'x');
  constexpr int lines = 5000;
  for (int i = 0; i < lines; ++i) log_info(filler);  // a pipe holds 64 of these
  EXPECT_FALSE(flush_logs(1ms));
  ASSERT_TRUE(reader.read_until("were dropped"));
  log_info("the last one");
  ASSERT_TRUE(reader.read_until("the last one"));
  ASSERT_TRUE(flush_logs());
  const auto now = log_counts();
  const auto dropped = now.dropped - before.dropped;
  EXPECT_GT(dropped, 0U);
  EXPECT_EQ(now.written - before.written + dropped, lines + 1U);
  // Each that was written came whole, and the gaps add up.
  std::uint64_t said = 0;
  std::size_t whole = 0;
  const std::regex drop{R"((\d+) log lines? w\w+ dropped: .*/pipe.* did not take them)"};
  for (const auto& line : reader.lines()) {
    std::smatch found;
    if (std::regex_search(line, found, drop)) {
      said += std::stoull(found[1]);
    } else if (line.find("the last one") == std::string::npos) {
      ++whole;
      EXPECT_EQ(line.substr(line.rfind(' ') + 1), filler);
    }
  }
  EXPECT_EQ(said, dropped);
  EXPECT_EQ(whole + said, static_cast<std::size_t>(lines));
}

TEST_F(LogOutput, ErrorsHaveRoomOfTheirOwn) {
  test::stopped_reader reader{place_.file("pipe")};
  configure_logs({.file = place_.file("pipe"), .queue = 100});
  const std::string filler(1000, 'x');
  for (int i = 0; i < 1000; ++i) log_info(filler);
  log_error("this one matters");
  ASSERT_TRUE(reader.read_until("this one matters"));
}

TEST_F(LogOutput, AnErrorIsWrittenWhenItsCallReturns) {
  configure_logs({.file = place_.file("log")});
  log_info("first");
  log_error("then this");
  EXPECT_EQ(place_.lines("log").size(), 2U);
}

TEST_F(LogOutput, AFullDiskIsTriedAgainAndWaitedForByNobody) {
  configure_logs({.file = "/dev/full", .queue = 10});
  const auto before = log_counts();
  for (int i = 0; i < 100; ++i) log_error("nobody hears this");
  EXPECT_FALSE(flush_logs(30s));  // at once: it is known to fail
  configure_logs({.file = place_.file("log")});
  ASSERT_TRUE(flush_logs());
  const auto lines = place_.lines("log");
  const auto now = log_counts();
  EXPECT_EQ(count_with(lines, "nobody hears this"), now.written - before.written);
  EXPECT_EQ(now.written - before.written + now.dropped - before.dropped, 100U);
  EXPECT_EQ(count_with(lines, "could not be written (ENOSPC"), 1U);
}

TEST_F(LogOutput, AReaderThatLeftEndsNothing) {
  test::stopped_reader reader{place_.file("pipe")};
  configure_logs({.file = place_.file("pipe")});
  reader.close();
  log_error("nobody hears this");  // no SIGPIPE
  EXPECT_FALSE(flush_logs(30s));
}

#ifndef __SANITIZE_THREAD__  // it allows no thread in a child of fork(2) that had threads
TEST_F(LogOutput, LinesOfManyThreadsAndTwoProcessesAreWhole) {
  constexpr int threads = 4;
  constexpr int lines = 2000;
  configure_logs({.format = log_format::json, .file = place_.file("log"), .queue = 100'000});
  const auto write = [&] {
    std::vector<std::thread> all;
    for (int each = 0; each < threads; ++each)
      all.emplace_back([&] {
        for (int i = 0; i < lines; ++i) log_info("a line", {{"number", fmt::to_string(i)}});
      });
    for (auto& each : all) each.join();
    return flush_logs(60s);
  };
  // The child opens the file for itself, as another generation does.
  const auto child = ::fork();
  if (child == 0) {
    configure_logs({.format = log_format::json, .file = place_.file("log"), .queue = 100'000});
    ::_exit(write() ? 0 : 1);
  }
  ASSERT_TRUE(write());
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  const auto all = place_.lines("log");
  EXPECT_EQ(all.size(), 2U * threads * lines);
  const std::regex whole{R"re(\{"time":"[^"]{27}","level":"info","message":"a line",)re"
                         R"re("pid":\d+,"generation":0,"number":"\d+"\})re"};
  for (const auto& line : all) ASSERT_TRUE(std::regex_match(line, whole)) << line;
}
#endif

TEST_F(LogOutput, TheFormatMayChangeWhileOthersLog) {
  configure_logs({.file = place_.file("log"), .queue = 100'000});
  std::thread other{[] {
    for (int i = 0; i < 2000; ++i) log_info("a line");
  }};
  for (int i = 0; i < 50; ++i)
    configure_logs({.format = i % 2 == 0 ? log_format::json : log_format::text,
                    .file = place_.file("log"),
                    .queue = 100'000});
  other.join();
  ASSERT_TRUE(flush_logs());
  const auto all = place_.lines("log");
  EXPECT_EQ(all.size(), 2000U);
  for (const auto& line : all)
    EXPECT_TRUE((line.front() == '{' && line.back() == '}') ||
                (line.front() == '2' && line.ends_with("] a line")))
        << line;
}

#ifndef __SANITIZE_THREAD__  // it allows no thread in a child of fork(2) that had threads
TEST_F(LogOutput, AForkedChildThatGoesOnLogs) {
  configure_logs({.file = place_.file("log")});
  log_info("of the parent");
  ASSERT_TRUE(flush_logs());
  const auto child = ::fork();
  if (child == 0) {
    log_info("of the child");
    ::_exit(flush_logs() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(count_with(place_.lines("log"), fmt::format("[pid {}] of the child", child)), 1U);
}
#endif

TEST_F(LogOutput, TheLastLinesAreWrittenByExit) {
  ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(
      {
        for (int i = 0; i < 5; ++i) log_info("a last word");
        std::exit(0);
      },
      ::testing::ExitedWithCode(0), "(a last word.*\n.*){5}");
}

TEST(LogWords, LevelsAndFormatsAreReadAsTheyAreWritten) {
  for (const auto level : {log_level::info, log_level::notice, log_level::error})
    EXPECT_EQ(parse_log_level(to_string(level)), level);
  for (const auto format : {log_format::text, log_format::json})
    EXPECT_EQ(parse_log_format(to_string(format)), format);
  EXPECT_EQ(parse_log_level("INFO"), std::nullopt);
  EXPECT_EQ(parse_log_format(""), std::nullopt);
}

}  // namespace
}  // namespace baton

#include "ondemand/starter/command_starter.hpp"

#include <gmock/gmock.h>

#include "ondemand/starter/proxied_starter.hpp"
#include "unit/ondemand/starter/starter_fixture.hpp"

namespace baton::ondemand {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

/// A service that is a file: it runs if the file is there.
class CommandStarter : public StarterTest {
 protected:
  service_options service() {
    service_options made;
    made.name = "shop";
    made.kind = command_service{.start = program::shell("echo started; echo x >> " + file()),
                                .stop = program::shell("rm " + file()),
                                .check = program::shell("test -e " + file())};
    made.target = net::address::parse("127.0.0.1:1");
    return made;
  }
  static command_service& commands(service_options& of) {
    return std::get<command_service>(of.kind);
  }
  [[nodiscard]] std::string file() const { return folder_.file("runs"); }
  [[nodiscard]] bool runs() const { return !read_all(file()).empty(); }

 private:
  temporary_folder folder_;
};

TEST_F(CommandStarter, StartsAndStops) {
  auto& subject = make<command_starter>(service());
  start_ready();
  EXPECT_TRUE(runs());
  EXPECT_EQ(subject.output_tail(), "started\n");
  stop();
  EXPECT_THAT(told(), ElementsAre("stopped"));
  EXPECT_FALSE(runs());
}

TEST_F(CommandStarter, WhatRunsAlreadyIsNotStarted) {
  make<command_starter>(service());
  start_ready();
  make<command_starter>(service());
  start_ready();
  EXPECT_EQ(read_all(file()), "x\n") << "once";
  stop();
}

TEST_F(CommandStarter, WhatTheStartLeavesRunningMayGoOnWriting) {
  auto options = service();
  const auto fifo = file() + ".fifo";
  // Without somebody who reads, the echo would be the end of it.
  commands(options).start = program::shell("mkfifo " + fifo + "; (cat " + fifo +
                                           " >/dev/null; echo one; echo x > " + file() + ") &");
  make<command_starter>(options);
  start_ready();
  EXPECT_FALSE(runs());
  command teller{context()};
  bool over = false;
  teller.start({.name = "tell", .what = program::shell("echo > " + fifo)},
               [&](const command_outcome&) { over = true; });
  run_until([&] { return over && runs(); }, "it has written");
  stop();
}

TEST_F(CommandStarter, AStartThatFailsSaysHow) {
  auto options = service();
  commands(options).start = program::shell("echo no such unit >&2; exit 5");
  auto& subject = make<command_starter>(options);
  subject.start();
  wait_for("failed");
  EXPECT_THAT(told(), ElementsAre(HasSubstr("its start command exited with status 5")));
  EXPECT_EQ(subject.output_tail(), "no such unit\n");
}

TEST_F(CommandStarter, AStartThatHangsIsEnded) {
  auto options = service();
  commands(options).start = ProcessTest::subject({"wait"});
  options.start_timeout = 100ms;
  auto& subject = make<command_starter>(options);
  subject.start();
  wait_for("failed");
  EXPECT_THAT(told(), ElementsAre(HasSubstr("took longer")));
}

TEST_F(CommandStarter, AReadinessThatIsNotMetIsAFailure) {
  auto options = service();
  options.ready = command_check{program::shell("exit 7")};
  options.start_timeout = 200ms;
  auto& subject = make<command_starter>(options);
  subject.start();
  wait_for("failed");
  EXPECT_THAT(told(), ElementsAre("spawned", AllOf(HasSubstr("not ready"), HasSubstr("7"))));
  stop();
  EXPECT_FALSE(runs());
}

TEST_F(CommandStarter, AStopThatDoesNothingIsTold) {
  auto options = service();
  commands(options).stop = program::shell("true");
  options.stop_timeout = 50ms;
  make<command_starter>(options);
  start_ready();
  stop();
  EXPECT_THAT(told(), ElementsAre(StartsWith("stoppedit still runs 50 ms after")));
}

TEST_F(CommandStarter, ACheckThatCannotSayIsNoEnd) {
  auto options = service();
  commands(options).stop = program::shell("true");
  options.stop_timeout = 50ms;
  commands(options).check = program{.argv = {"/no/such/check"}};
  make<command_starter>(options);
  start_ready();
  stop();
  EXPECT_THAT(told(), ElementsAre(AllOf(StartsWith("stoppedwhether it still runs 50 ms after"),
                                        HasSubstr("/no/such/check"))));
}

TEST_F(CommandStarter, AStopIsDoneWhenTheCheckSaysSo) {
  auto options = service();
  // It leaves, and goes on: the file is removed by what it left behind, once told to.
  const auto fifo = file() + ".fifo";
  commands(options).stop =
      program::shell("mkfifo " + fifo + "; (cat " + fifo + " >/dev/null && rm " + file() + ") &");
  options.stop_timeout = 20s;
  auto& subject = make<command_starter>(options);
  start_ready();
  subject.stop();
  run_until([&] { return subject.progress() == "its check command runs"; }, "the check runs");
  EXPECT_TRUE(told().empty());
  program tell = program::shell("echo > " + fifo);
  command teller{context()};
  bool over = false;
  teller.start({.name = "tell", .what = tell}, [&](const command_outcome&) { over = true; });
  wait_for("stopped");
  EXPECT_THAT(told(), ElementsAre("stopped"));
  run_until([&] { return over; }, "the teller has ended");
}

TEST_F(CommandStarter, AFailingStopWithoutACheckIsTold) {
  auto options = service();
  commands(options).check.reset();
  commands(options).stop = program::shell("exit 4");
  make<command_starter>(options);
  start_ready();
  stop();
  EXPECT_THAT(told(), ElementsAre("stoppedits stop command exited with status 4"));
}

TEST_F(CommandStarter, WithoutAStopCommandNothingIsDone) {
  auto options = service();
  commands(options).stop.reset();
  make<command_starter>(options);
  start_ready();
  stop();
  EXPECT_THAT(told(), ElementsAre("stopped"));
  EXPECT_TRUE(runs());
}

TEST_F(CommandStarter, AStartMayBeStoppedAtAnyMoment) {
  auto& subject = make<command_starter>(service());
  for (int turn = 0; turn < 20; ++turn) {
    subject.start();
    for (int i = 0; i < turn; ++i) context().poll();
    subject.stop();
    wait_for("stopped");
    told();
    ASSERT_FALSE(runs());
  }
}

TEST_F(CommandStarter, WhatRunsAnywayIsReadyAtOnceAndNeverEnded) {
  proxied_starter* subject = nullptr;
  std::vector<std::string> heard;
  proxied_starter made{context(),
                       net::address::parse("127.0.0.1:1"),
                       {.on_spawned = [&] { heard.emplace_back("spawned"); },
                        .on_ready = [&] { heard.emplace_back("ready"); },
                        .on_failed = [](const std::string&) {},
                        .on_stopped = [&](const std::string&) { heard.emplace_back("stopped"); }}};
  subject = &made;
  subject->start();
  EXPECT_TRUE(heard.empty());
  run_ready();
  subject->stop();
  run_ready();
  EXPECT_THAT(heard, ElementsAre("spawned", "ready", "stopped"));
}

}  // namespace
}  // namespace baton::ondemand

#include "ondemand/starter/child_starter.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gmock/gmock.h>

#include "baton/base/error.hpp"
#include "unit/ondemand/starter/starter_fixture.hpp"

namespace baton::ondemand {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

/// Answers each connection on descriptor 3 with what it was told about its sockets.
constexpr const char* taught = R"(
import os, socket
s = socket.socket(fileno=3)
mine = os.environ.get("LISTEN_PID") == str(os.getpid())
words = [str(mine), os.environ.get("LISTEN_FDS", ""), os.environ.get("LISTEN_FDNAMES", ""),
         str(s.getblocking())]
while True:
    c, _ = s.accept()
    try:
        c.sendall(" ".join(words).encode())
    except BrokenPipeError:
        pass  # who only looked whether anybody accepts
    c.close()
)";

class ChildStarter : public StarterTest {
 protected:
  static service_options service(program run, readiness_check ready = no_check{}) {
    service_options made;
    made.name = "shop";
    made.kind = child_service{.run = std::move(run)};
    made.ready = std::move(ready);
    made.start_timeout = 20s;
    return made;
  }
  static service_options listening(const std::string& address) {
    auto made = service({.argv = {"python3", "-c", taught}}, listening_check{});
    std::get<child_service>(made.kind).socket.emplace().address = address;
    return made;
  }
  /// What a new connection is sent until its end.
  static std::string ask(const net::address& at) {
    const unique_fd fd{::socket(at.domain(), SOCK_STREAM | SOCK_CLOEXEC, 0)};
    EXPECT_EQ(::connect(fd.get(), at.data(), at.size()), 0);
    std::string all;
    char buffer[256];
    for (ssize_t size = 0; (size = ::read(fd.get(), buffer, sizeof buffer)) > 0;)
      all.append(buffer, static_cast<std::size_t>(size));
    return all;
  }
};

TEST_F(ChildStarter, GivesTheSocketThatRequestsWaitAt) {
  auto& subject = make<child_starter>(listening("@"));
  EXPECT_THAT(subject.target().to_string(), StartsWith("@baton/shop/"));
  start_ready();
  EXPECT_EQ(ask(subject.target()), "True 1 shop True");
  stop();
}

TEST_F(ChildStarter, AnEveryAddressSocketIsReachedOnThisMachine) {
  auto& subject = make<child_starter>(listening("0.0.0.0:0"));
  EXPECT_EQ(subject.target().host(), "127.0.0.1");
  EXPECT_NE(subject.target().port(), 0);
  start_ready();
  EXPECT_EQ(ask(subject.target()), "True 1 shop True");
  stop();
}

TEST_F(ChildStarter, WhoComesBetweenTwoRunsIsServedByTheSecond) {
  auto& subject = make<child_starter>(listening("127.0.0.1:0"));
  const auto before = subject.target();
  start_ready();
  stop();
  told();
  const unique_fd early{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  ASSERT_EQ(::connect(early.get(), before.data(), before.size()), 0) << "the socket is still ours";
  start_ready();
  EXPECT_EQ(subject.target(), before);
  char buffer[64];
  EXPECT_EQ(::read(early.get(), buffer, sizeof buffer), 16);
  stop();
}

TEST_F(ChildStarter, TheFirstAnswerIsReadiness) {
  auto deaf = listening("@");
  std::get<child_service>(deaf.kind).run = {.argv = {"/bin/sleep", "60"}};
  auto& subject = make<child_starter>(std::move(deaf));
  EXPECT_FALSE(subject.checked_by_requests());
  subject.start();
  wait_for("spawned");
  EXPECT_TRUE(subject.checked_by_requests());
  EXPECT_THAT(subject.progress(), HasSubstr("has not accepted"));
  EXPECT_TRUE(subject.answered());
  EXPECT_FALSE(subject.answered()) << "ready once";
  EXPECT_FALSE(subject.checked_by_requests());
  stop();
  EXPECT_THAT(told(), ElementsAre("spawned", "stopped")) << "whoever told it knows";
}

TEST_F(ChildStarter, ThatDoesNotAcceptInTimeHasFailed) {
  auto deaf = listening("@");
  std::get<child_service>(deaf.kind).run = {.argv = {"/bin/sleep", "60"}};
  deaf.start_timeout = 50ms;
  make<child_starter>(std::move(deaf)).start();
  wait_for("failed");
  EXPECT_THAT(told(), ElementsAre("spawned", HasSubstr("it has not accepted a connection")));
  stop();
}

TEST_F(ChildStarter, ThatEndsBeforeItAcceptsHasNotBeenReady) {
  auto brief = listening("@");
  std::get<child_service>(brief.kind).run = {.argv = {"/bin/sh", "-c", "exit 3"}};
  auto& subject = make<child_starter>(std::move(brief));
  const unique_fd client{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const auto at = subject.target();
  ASSERT_EQ(::connect(client.get(), at.data(), at.size()), 0);
  subject.start();
  wait_for("failed");
  EXPECT_THAT(told(),
              ElementsAre("spawned", HasSubstr("exited with status 3 before it was ready")));
  stop();
}

TEST_F(ChildStarter, ThatCrashesAtItsFirstRequestHadBeenReady) {
  auto brittle = listening("@");
  std::get<child_service>(brittle.kind).run = {
      .argv = {"python3", "-c",
               "import os, socket; socket.socket(fileno=3).accept(); os.kill(os.getpid(), 9)"}};
  auto& subject = make<child_starter>(std::move(brittle));
  subject.start();
  wait_for("spawned");
  subject.asked();
  const unique_fd client{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const auto at = subject.target();
  ASSERT_EQ(::connect(client.get(), at.data(), at.size()), 0);
  wait_for("failed");
  EXPECT_THAT(told(), ElementsAre("spawned", "ready", HasSubstr("was killed by SIGKILL")));
  stop();
}

TEST_F(ChildStarter, WhoWasNotAcceptedIsTurnedAway) {
  for (const char* address : {"127.0.0.1:0", "@"}) {
    auto deaf = listening(address);
    std::get<child_service>(deaf.kind).run = {.argv = {"/bin/sleep", "60"}};
    auto& subject = make<child_starter>(std::move(deaf));
    subject.start();
    wait_for("spawned");
    const auto& at = subject.target();
    const unique_fd client{::socket(at.domain(), SOCK_STREAM | SOCK_CLOEXEC, 0)};
    ASSERT_EQ(::connect(client.get(), at.data(), at.size()), 0);
    ASSERT_EQ(::send(client.get(), "hello", 5, 0), 5);
    stop();
    subject.turn_away();
    char buffer[64];
    EXPECT_EQ(::recv(client.get(), buffer, sizeof buffer, 0), -1);
    EXPECT_EQ(errno, ECONNRESET);
    told();
  }
}

TEST_F(ChildStarter, ASocketThatCannotBeBoundIsAnError) {
  auto& first = make<child_starter>(listening("127.0.0.1:0"));
  const auto taken = first.target().to_string();
  EXPECT_THROW(child_starter(context(), listening(taken), {}), setup_error);
}

TEST_F(ChildStarter, ThatEndsBeforeItIsReadySaysHow) {
  auto& subject = make<child_starter>(
      service({.argv = {"/bin/sh", "-c", "echo no database >&2; exit 3"}}, notify_check{}));
  subject.start();
  wait_for("failed");
  EXPECT_THAT(told(), ElementsAre("spawned", StartsWith("failed: exited with status 3 before it "
                                                        "was ready")));
  EXPECT_EQ(subject.output_tail(), "no database\n");
  stop();
  EXPECT_THAT(told(), ElementsAre("stopped"));
  EXPECT_EQ(subject.output_tail(), "no database\n") << "kept for who asks why";
}

TEST_F(ChildStarter, ThatIsNotThereSaysSo) {
  auto& subject = make<child_starter>(service({.argv = {"/no/such/program"}}));
  subject.start();
  wait_for("failed");
  EXPECT_THAT(told(), ElementsAre(HasSubstr("/no/such/program")));
  stop();
  EXPECT_THAT(told(), ElementsAre("stopped"));
}

TEST_F(ChildStarter, ThatGoesIntoTheBackgroundIsToldNotToAndItsDaemonIsEnded) {
  auto& subject = make<child_starter>(service(ProcessTest::subject({"daemonize"}), notify_check{}));
  subject.start();
  wait_for("failed");
  EXPECT_THAT(told(), ElementsAre("spawned", AllOf(HasSubstr("exited with status 0"),
                                                   HasSubstr("keep it in the foreground"))));
  stop();  // what is left is found by the fixture
  EXPECT_THAT(told(), ElementsAre("stopped"));
}

TEST_F(ChildStarter, ACrashIsToldAtOnce) {
  auto& subject = make<child_starter>(service(ProcessTest::subject({"wait"})));
  start_ready();
  ASSERT_GT(subject.pid(), 0);
  ASSERT_EQ(::kill(subject.pid(), SIGSEGV), 0);
  wait_for("failed");
  EXPECT_THAT(told(), ElementsAre(HasSubstr("SIGSEGV")));
  stop();
}

TEST_F(ChildStarter, ThatIgnoresTermIsKilledAtItsDeadline) {
  auto options = service(ProcessTest::subject({"ignore-term"}));
  options.stop_timeout = 1ms;
  auto& subject = make<child_starter>(options);
  start_ready();
  run_until([&] { return subject.output_tail() == "state ready\n"; }, "it ignores TERM");
  stop();
  EXPECT_THAT(told(), ElementsAre("stopped"));
  EXPECT_EQ(subject.pid(), 0);
}

TEST_F(ChildStarter, AStopMayBeHurried) {
  auto options = service(ProcessTest::subject({"ignore-term"}));
  options.stop_timeout = 1h;
  auto& subject = make<child_starter>(options);
  start_ready();
  run_until([&] { return subject.output_tail() == "state ready\n"; }, "it ignores TERM");
  subject.stop();
  subject.hurry();
  wait_for("stopped");
}

TEST_F(ChildStarter, AStartMayBeStoppedAtAnyMoment) {
  auto& subject = make<child_starter>(service(ProcessTest::subject({"wait"}), notify_check{}));
  for (int turn = 0; turn < 20; ++turn) {
    subject.start();
    for (int i = 0; i < turn % 5; ++i) context().poll();
    subject.stop();
    wait_for("stopped");
    EXPECT_THAT(told(), testing::AnyOf(ElementsAre("stopped"), ElementsAre("spawned", "stopped")));
  }
}

TEST_F(ChildStarter, MayBeDestroyedAtAnyMoment) {
  for (int turn = 0; turn < 10; ++turn) {
    auto& subject = make<child_starter>(service(ProcessTest::subject({"fork-away"})));
    subject.start();
    for (int i = 0; i < turn; ++i) context().poll();
    if (turn % 2 == 1) subject.stop();
  }
  // A daemon that its starter was not told to stop lives on, or is on its way still; it is nobody's
  // who may be told.
  for (int none = 0; none < 2; ++none)
    for (const auto pid : processes_with(fmt::format("PROCESS_TEST={}", ::getpid()))) {
      ::kill(pid, SIGKILL);
      none = -1;
    }
}

TEST_F(ChildStarter, TellsWhyItIsNotReadyYet) {
  auto options =
      service(ProcessTest::subject({"wait"}), tcp_check{net::address::parse("127.0.0.1:1")});
  auto& subject = make<child_starter>(options);
  subject.start();
  run_until([&] { return subject.progress().find("refused") != std::string::npos; },
            "an attempt was refused");
  EXPECT_THAT(subject.progress(), HasSubstr("127.0.0.1:1"));
  stop();
}

/// What the starter of the next generation tells.
struct borrower {
  explicit borrower(boost::asio::io_context& context, service_options service,
                    starter_setting setting = {})
      : subject{context,
                std::move(service),
                {.on_spawned = [] {},
                 .on_ready = [] {},
                 .on_failed = [this](const std::string& why) { failed = why; },
                 .on_stopped = [this](const std::string& /*left*/) { stopped = true; }},
                {},
                std::move(setting)} {}
  std::string failed;
  bool stopped = false;
  child_starter subject;
};

TEST_F(ChildStarter, WhatIsLentGoesOnWithTheBorrower) {
  auto& lender = make<child_starter>(listening("@"));
  start_ready();
  const auto pid = lender.pid();
  borrower next{context(),
                listening("@"),
                {.socket = unique_fd{::fcntl(lender.socket(), F_DUPFD_CLOEXEC, 3)}}};
  EXPECT_EQ(next.subject.target(), lender.target());
  ASSERT_TRUE(next.subject.adopt(lender.lend()));
  EXPECT_EQ(next.subject.pid(), pid);
  EXPECT_EQ(ask(next.subject.target()), "True 1 shop True");
  next.subject.stop();
  RUN_UNTIL(next.stopped);
  lender.lent_is_gone();
  EXPECT_EQ(told(), std::vector<std::string>{}) << "the lender has nothing to tell";
}

TEST_F(ChildStarter, WhatTheBorrowerDoesNotKeepIsTakenBack) {
  auto& lender = make<child_starter>(listening("@"));
  start_ready();
  static_cast<void>(lender.lend());
  lender.take_back();
  EXPECT_EQ(ask(lender.target()), "True 1 shop True");
  stop();
}

TEST_F(ChildStarter, OfWhatEndedWhileItWasLentTheLenderHearsBehindIt) {
  auto& lender = make<child_starter>(service(program::shell("sleep 1000")));
  start_ready();
  const auto lent = lender.lend();
  ASSERT_TRUE(lender.send(SIGKILL));
  RUN_UNTIL(lender.last_exit().has_value());
  EXPECT_EQ(told(), std::vector<std::string>{});
  lender.take_back();
  wait_for("failed: was killed by SIGKILL");
  stop();
}

TEST_F(ChildStarter, OneThatHasEndedBeforeItWasAdoptedIsTold) {
  auto& lender = make<child_starter>(service(program::shell("sleep 1000")));
  start_ready();
  auto lent = lender.lend();
  ASSERT_TRUE(lender.send(SIGKILL));
  RUN_UNTIL(lender.last_exit().has_value());
  borrower next{context(), service(program::shell("sleep 1000"))};
  ASSERT_TRUE(next.subject.adopt(std::move(lent)));
  next.subject.told_exit(exit_status::from_wait(SIGKILL));
  RUN_UNTIL(!next.failed.empty());
  EXPECT_THAT(next.failed, HasSubstr("was killed by SIGKILL"));
  next.subject.stop();
  RUN_UNTIL(next.stopped);
  lender.lent_is_gone();
}

TEST_F(ChildStarter, ASweepEndsWhatAnyStartOfTheServiceLeft) {
  borrower first{
      context(), service(program::shell("sleep 1000 & sleep 1000")), {.tree = "g1:shop"}};
  borrower other{context(), service(program::shell("sleep 1000")), {.tree = "g1:other"}};
  first.subject.start();
  other.subject.start();
  RUN_UNTIL(first.subject.pid() != 0 && other.subject.pid() != 0);
  borrower next{context(), service(program::shell("true")), {.tree = "g1:shop"}};
  next.subject.sweep();
  RUN_UNTIL(next.stopped);
  EXPECT_THAT(processes_with("BATON_INSTANCE=g1:shop:"), testing::IsEmpty());
  EXPECT_TRUE(is_alive(other.subject.pid()));
  RUN_UNTIL(!first.failed.empty());
  for (auto* each : {&first, &other}) {
    each->subject.stop();
    RUN_UNTIL(each->stopped);
  }
}

}  // namespace
}  // namespace baton::ondemand

#include "ondemand/process/readiness.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/ondemand/process/process_fixture.hpp"

namespace baton::ondemand {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace std::chrono_literals;

constexpr auto very_long = 600s;

/// A port that is ours and that nobody listens on.
class free_port {
 public:
  free_port() {
    socket_ = unique_fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const int on = 1;
    // So that the subject may bind it beside us.
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error{"bind"};
    address_ = net::address::local(socket_.get()).value();
  }
  [[nodiscard]] const net::address& address() const { return address_; }
  [[nodiscard]] std::string number() const { return std::to_string(address_.port()); }
  void close() { socket_.reset(); }
  void listen() { ASSERT_EQ(::listen(socket_.get(), 1024), 0); }

 private:
  unique_fd socket_;
  net::address address_;
};

std::string http_answer(std::string_view status) {
  return fmt::format("HTTP/1.1 {}\r\nContent-Length: 0\r\n\r\n", status);
}

class Readiness : public ProcessTest {
 protected:
  /// Begins to wait.
  void wait(readiness_check check, std::chrono::milliseconds timeout = very_long) {
    it_.start({.check = std::move(check), .timeout = timeout, .name = "subject"},
              [this](const readiness_outcome& outcome) {
                EXPECT_FALSE(told_) << "told twice";
                told_ = outcome;
              });
    EXPECT_FALSE(told_) << "told inside start";
  }

  readiness_outcome outcome() {
    run_until([this] { return told_.has_value(); }, "an outcome");
    return told_.value_or(readiness_outcome{});
  }

  void TearDown() override {
    it_.cancel();
    run_ready();
    port_.close();
    ProcessTest::TearDown();
  }

  /// Starts a subject that answers the GETs on `port_` with these.
  void answer(std::vector<std::string> answers) {
    answers.insert(answers.begin(), {"answer", port_.number()});
    start_ready(std::move(answers));
  }

  free_port port_;
  readiness it_{context()};
  std::optional<readiness_outcome> told_;
};

TEST_F(Readiness, IsThereAtOnceWithoutACheck) {
  wait(no_check{});
  EXPECT_TRUE(outcome().ready());
}

TEST_F(Readiness, OfAListeningSocketIsThereAtOnce) {
  wait(listening_check{});
  EXPECT_TRUE(outcome().ready());
}

TEST_F(Readiness, OfTcpComesWithTheFirstConnection) {
  wait(tcp_check{port_.address()});
  RUN_UNTIL(!it_.why_not_yet().empty());
  EXPECT_THAT(it_.why_not_yet(),
              StartsWith(fmt::format("connection refused on 127.0.0.1:{} since ", port_.number())));
  EXPECT_FALSE(told_);
  port_.listen();
  EXPECT_TRUE(outcome().ready());
  EXPECT_EQ(it_.why_not_yet(), "");
}

TEST_F(Readiness, OfTcpComesWhenAServiceListensLate) {
  const temporary_folder folder;
  ASSERT_EQ(::mkfifo(folder.file("go").c_str(), 0600), 0);
  auto& service = start({"listen-late", folder.file("go"), port_.number()});
  wait(tcp_check{port_.address()});
  RUN_UNTIL(service.started && !it_.why_not_yet().empty());
  EXPECT_FALSE(told_);
  const unique_fd go{::open(folder.file("go").c_str(), O_WRONLY | O_CLOEXEC)};
  ASSERT_EQ(::write(go.get(), "g", 1), 1);
  EXPECT_TRUE(outcome().ready());
}

TEST_F(Readiness, OfTcpWorksOnUnixSockets) {
  const temporary_folder folder;
  const auto path = folder.file("s");
  wait(tcp_check{net::address::parse("unix:" + path)});
  RUN_UNTIL(!it_.why_not_yet().empty());
  EXPECT_THAT(it_.why_not_yet(), HasSubstr("there is no socket unix:" + path));
  const unique_fd listener{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const auto address = net::address::parse("unix:" + path);
  ASSERT_EQ(::bind(listener.get(), address.data(), address.size()), 0);
  ASSERT_EQ(::listen(listener.get(), 8), 0);
  EXPECT_TRUE(outcome().ready());
}

TEST_F(Readiness, TellsWhyItDidNotComeInTime) {
  wait(tcp_check{port_.address()}, 100ms);
  const auto it = outcome();
  EXPECT_EQ(it.end, readiness_end::timed_out);
  EXPECT_THAT(it.why, StartsWith("not ready after 1"));
  EXPECT_THAT(it.why, HasSubstr(" ms: connection refused on 127.0.0.1:"));
  EXPECT_GE(it.took, 100ms);
}

TEST_F(Readiness, EndsWithTheServiceAtOnce) {
  auto& service = start({"exit", "3"});
  wait(tcp_check{port_.address()});
  RUN_UNTIL(service.ended());
  it_.child_exited(*service.status);
  const auto it = outcome();
  EXPECT_EQ(it.end, readiness_end::exited);
  EXPECT_EQ(it.why, "exited with status 3 before it was ready");
}

TEST_F(Readiness, IsNotToldOnceCancelled) {
  port_.listen();
  wait(tcp_check{port_.address()});
  it_.cancel();
  run_ready();
  EXPECT_FALSE(told_);
}

TEST_F(Readiness, OfHttpNeedsAnExpectedStatus) {
  answer({http_answer("503 Service Unavailable"), http_answer("500 Oops"), http_answer("404 Not"),
          http_answer("204 No Content")});
  wait(http_check{.target = port_.address(), .path = "/health"});
  EXPECT_TRUE(outcome().ready());
}

TEST_F(Readiness, OfHttpNamesTheStatusThatIsNotExpected) {
  answer({http_answer("200 OK")});
  wait(http_check{.target = port_.address(), .path = "/health", .expected = {{204, 204}}});
  RUN_UNTIL(!it_.why_not_yet().empty());
  EXPECT_THAT(it_.why_not_yet(), StartsWith("HTTP 200 from /health since "));
  EXPECT_FALSE(told_);
}

TEST_F(Readiness, OfHttpLooksBehindInterimAnswers) {
  answer({"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + http_answer("200 OK")});
  wait(http_check{.target = port_.address()});
  EXPECT_TRUE(outcome().ready());
}

TEST_F(Readiness, OfHttpDoesNotTakeGarbageForAnAnswer) {
  answer({"SSH-2.0-OpenSSH_9.2\r\n"});
  wait(http_check{.target = port_.address()});
  RUN_UNTIL(!it_.why_not_yet().empty());
  EXPECT_THAT(it_.why_not_yet(), HasSubstr("answers / with something that is not HTTP/1.1"));
}

TEST_F(Readiness, OfHttpDoesNotTakeACloseForAnAnswer) {
  answer({"close"});
  wait(http_check{.target = port_.address()});
  RUN_UNTIL(!it_.why_not_yet().empty());
  EXPECT_THAT(it_.why_not_yet(), HasSubstr("closed the connection without an answer to /"));
}

TEST_F(Readiness, OfHttpDoesNotWaitForASilentServiceForEver) {
  answer({"silence"});
  wait(http_check{.target = port_.address(), .path = "/up", .attempt_timeout = 50ms});
  RUN_UNTIL(!it_.why_not_yet().empty());
  EXPECT_THAT(it_.why_not_yet(), HasSubstr("no answer from /up of 127.0.0.1:"));
  EXPECT_THAT(it_.why_not_yet(), HasSubstr("within 50 ms"));
}

TEST_F(Readiness, OfACommandComesWithItsSuccess) {
  const temporary_folder folder;
  const auto file = folder.file("tries");
  wait(
      command_check{program::shell(fmt::format("echo x >> {0}; test $(wc -l < {0}) -ge 3", file))});
  EXPECT_TRUE(outcome().ready());
  EXPECT_EQ(read_all(file), "x\nx\nx\n");
}

TEST_F(Readiness, OfACommandSaysWhatItSaid) {
  wait(command_check{program::shell("echo the database is not there; exit 4")});
  RUN_UNTIL(!it_.why_not_yet().empty());
  EXPECT_THAT(it_.why_not_yet(), HasSubstr("exited with status 4: the database is not there"));
}

TEST_F(Readiness, OfNotifyWaitsForTheWord) {
  wait(notify_check{});
  EXPECT_THAT(it_.why_not_yet(), StartsWith("the service has not said READY=1 (sd_notify) since"));
  it_.notified(notification::parse("STATUS=loading"));
  EXPECT_THAT(it_.why_not_yet(), HasSubstr("(it says: loading)"));
  run_ready();
  EXPECT_FALSE(told_);
  it_.notified(notification::parse("READY=1"));
  EXPECT_FALSE(told_) << "never inside a call";
  EXPECT_TRUE(outcome().ready());
}

TEST_F(Readiness, TakesMoreTimeWhenTheServiceAsksForIt) {
  wait(notify_check{}, 50ms);
  it_.notified(notification::parse("EXTEND_TIMEOUT_USEC=500000000"));
  readiness clock{context()};
  bool later = false;
  clock.start({.check = notify_check{}, .timeout = 150ms}, [&](const auto&) { later = true; });
  RUN_UNTIL(later);
  EXPECT_FALSE(told_);
}

TEST_F(Readiness, MayBeDestroyedByItsHandler) {
  port_.listen();
  auto it = std::make_unique<readiness>(context());
  it->start({.check = tcp_check{port_.address()}}, [&](const auto&) { it.reset(); });
  RUN_UNTIL(!it);
}

TEST_F(Readiness, LeavesNothingAfterAHundredServices) {
  port_.listen();
  for (int i = 0; i < 100; ++i) {
    bool ready = false;
    readiness it{context()};
    it.start({.check = tcp_check{port_.address()}}, [&](const auto& end) { ready = end.ready(); });
    if (i % 3 == 0) continue;
    RUN_UNTIL(ready);
  }
}

}  // namespace
}  // namespace baton::ondemand

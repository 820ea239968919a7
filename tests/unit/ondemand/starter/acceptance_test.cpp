#include "ondemand/starter/acceptance.hpp"

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>

#include "ondemand/starter/passed_socket.hpp"
#include "unit/ondemand/process/process_fixture.hpp"

namespace baton::ondemand {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

/// A listening socket, and what is found out about who accepts from it: here, the test.
class Acceptance : public ProcessTest, public testing::WithParamInterface<const char*> {
 protected:
  Acceptance() {
    passed_.emplace(socket_passing{.address = GetParam()}, "shop");
    subject_.emplace(context());
  }
  void TearDown() override {
    subject_.reset();
    passed_.reset();
    ProcessTest::TearDown();
  }

  void start(std::chrono::milliseconds timeout = 1h) {
    subject_->start({.socket = passed_->fd(), .target = passed_->address(), .timeout = timeout},
                    [this](const readiness_outcome& how) {
                      EXPECT_FALSE(outcome_) << "told twice";
                      outcome_ = how;
                    });
    EXPECT_FALSE(outcome_) << "told inside start";
  }
  const readiness_outcome& outcome() {
    run_until([this] { return outcome_.has_value(); }, "the outcome");
    return outcome_ ? *outcome_ : outcome_.emplace();
  }
  [[nodiscard]] unique_fd connect() const {
    unique_fd made{::socket(passed_->address().domain(), SOCK_STREAM | SOCK_CLOEXEC, 0)};
    EXPECT_EQ(::connect(made.get(), passed_->address().data(), passed_->address().size()), 0);
    return made;
  }
  [[nodiscard]] bool queued() const {
    pollfd one{passed_->fd(), POLLIN, 0};
    return ::poll(&one, 1, 0) == 1;
  }
  [[nodiscard]] unique_fd accept() const {
    return unique_fd{::accept4(passed_->fd(), nullptr, nullptr, SOCK_CLOEXEC)};
  }

  std::optional<passed_socket> passed_;
  std::optional<readiness_outcome> outcome_;
  std::optional<acceptance> subject_;
};

INSTANTIATE_TEST_SUITE_P(On, Acceptance, testing::Values("127.0.0.1:0", "@"),
                         [](const auto& each) { return each.index == 0 ? "Tcp" : "Unix"; });

TEST_P(Acceptance, WhereNobodyAsksAConnectionIsMadeAndItsAcceptanceIsReadiness) {
  start();
  RUN_UNTIL(queued());
  run_ready();
  EXPECT_FALSE(outcome_) << "it waits still";
  EXPECT_FALSE(subject_->has_accepted());
  const auto taken = accept();
  EXPECT_TRUE(taken);
  EXPECT_EQ(outcome().end, readiness_end::ready);
  char byte = 0;
  EXPECT_EQ(::read(taken.get(), &byte, 1), 0) << "it keeps nobody busy";
}

TEST_P(Acceptance, WhoWaitsInTheQueueAlreadyIsEnough) {
  const auto early = connect();
  start();
  const auto begun = std::chrono::steady_clock::now();
  RUN_UNTIL(std::chrono::steady_clock::now() - begun > 20ms);
  EXPECT_FALSE(outcome_);
  const auto taken = accept();
  EXPECT_EQ(outcome().end, readiness_end::ready);
  EXPECT_FALSE(queued()) << "nobody else has connected";
}

TEST_P(Acceptance, AnAnswerThatTakesItsTimeIsNotWaitedFor) {
  start();
  subject_->asked();
  const auto client = connect();
  const auto taken = accept();
  EXPECT_TRUE(subject_->has_accepted());
  RUN_UNTIL(queued());  // a second later, a connection of ours
  const auto ours = accept();
  EXPECT_GE(outcome().took, 1s);
  EXPECT_EQ(outcome().end, readiness_end::ready);
}

TEST_P(Acceptance, WhoAcceptsNothingIsNotReady) {
  start(50ms);
  EXPECT_FALSE(subject_->why_not_yet().empty());
  EXPECT_EQ(outcome().end, readiness_end::timed_out);
  EXPECT_THAT(outcome().why,
              AllOf(StartsWith("not ready after "),
                    HasSubstr("it has not accepted a connection on the socket that it was given")));
  EXPECT_TRUE(subject_->why_not_yet().empty());
}

TEST_P(Acceptance, TheTimeOfAStartIsKeptWhileARequestIsOnItsWay) {
  const auto client = connect();
  start(50ms);
  subject_->asked();
  EXPECT_EQ(outcome().end, readiness_end::timed_out);
  EXPECT_LT(outcome().took, 900ms);
  EXPECT_FALSE(subject_->has_accepted());
}

TEST_P(Acceptance, ThatNobodyCanConnectIsSaid) {
  subject_->start({.socket = passed_->fd(),
                   .target = net::address::parse("unix:/no/such/socket"),
                   .timeout = 50ms},
                  [this](const readiness_outcome& how) { outcome_ = how; });
  EXPECT_EQ(outcome().end, readiness_end::timed_out);
  EXPECT_THAT(outcome().why,
              AllOf(HasSubstr("no connection can be made to the socket that it was given"),
                    HasSubstr("/no/such/socket"), HasSubstr("ENOENT")));
}

TEST_P(Acceptance, OneThatIsDestroyedTellsNothing) {
  const auto early = connect();
  start();
  const auto taken = accept();
  subject_.reset();
  run_ready();
  EXPECT_FALSE(outcome_);
}

}  // namespace
}  // namespace baton::ondemand

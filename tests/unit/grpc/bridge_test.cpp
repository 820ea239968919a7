// Calls through the bridge into the services of grpc++.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "bridge_fixture.hpp"

namespace baton::grpc::test {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

/// Of both services.
class EitherWay : public BridgeTest, public testing::WithParamInterface<const char*> {
 protected:
  static std::string path(std::string_view method) { return fmt_path(GetParam(), method); }
  static std::string fmt_path(std::string_view service, std::string_view method) {
    return "/bridge_test." + std::string{service} + "/" + std::string{method};
  }
};

INSTANTIATE_TEST_SUITE_P(Services, EitherWay, testing::Values("Sync", "Callback"),
                         [](const auto& of) { return std::string{of.param}; });

TEST_P(EitherWay, OneMessageEachWay) {
  const auto call = ask(head(path("Say")), piece("hello", 7));
  const auto answer = parsed(call->answer());
  EXPECT_EQ(answer.data(), "hello");
  EXPECT_EQ(answer.number(), 7);
  EXPECT_EQ(call->end(), status{});
  EXPECT_TRUE(call->trailing().empty());
}

TEST_P(EitherWay, ManyMessagesAreCollected) {
  const auto call = begin(head(path("Collect")));
  for (const auto* each : {"a", "b", "c"}) call->push(piece(each));
  call->half_close();
  EXPECT_EQ(parsed(call->answer()).data(), "abc");
  EXPECT_EQ(call->end(), status{});
}

TEST_P(EitherWay, OneMessageIsAnsweredByMany) {
  const auto call = ask(head(path("Spread")), piece("x", 5));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(parsed(call->answer()).number(), i);
  EXPECT_EQ(call->end(), status{});
  EXPECT_EQ(call->answer(), std::nullopt);
}

TEST_P(EitherWay, MessagesGoBothWaysInTurn) {
  const auto call = begin(head(path("Talk")));
  for (int i = 0; i < 20; ++i) {
    call->push(piece("turn", i));
    EXPECT_EQ(parsed(call->answer()).number(), i);
  }
  call->half_close();
  EXPECT_EQ(call->end(), status{});
}

TEST_P(EitherWay, NoMessagesAtAllIsAStreamToo) {
  const auto call = begin(head(path("Collect")));
  call->half_close();
  EXPECT_EQ(parsed(call->answer()).number(), 0);
  EXPECT_EQ(call->end(), status{});
}

TEST_P(EitherWay, AUnaryCallWithoutAMessageIsAnError) {
  const auto call = begin(head(path("Say")));
  call->half_close();
  EXPECT_EQ(call->end().code, status_code::internal);
}

TEST_P(EitherWay, AUnaryCallIsServedWhenItsMessageIsThere) {
  const auto call = begin(head(path("Say")));
  call->push(piece("first"));
  call->push(piece("never looked at"));
  EXPECT_EQ(parsed(call->answer()).data(), "first");
  EXPECT_EQ(call->end(), status{});
}

TEST_P(EitherWay, MetadataBothWays) {
  for (const auto* method : {"Say", "Collect", "Spread", "Talk"}) {
    auto with = head(path(method), "metadata");
    with.metadata.add("x-text", "one");
    with.metadata.add("x-text", "two");
    with.metadata.add("x-data-bin", "\0\x01\xFF"s);
    const auto call = ask(std::move(with), piece("m", 1));
    EXPECT_EQ(parsed(call->answer()).data(), "m") << method;
    EXPECT_EQ(call->end(), status{}) << method;
    const auto initial = call->header();
    ASSERT_TRUE(initial) << method;
    EXPECT_EQ(initial->all("x-text"), (std::vector<std::string_view>{"one", "two"})) << method;
    EXPECT_EQ(initial->find("x-data-bin"), "\0\x01\xFF"s) << method;
    EXPECT_EQ(initial->size(), 3U) << method;
    EXPECT_EQ(call->trailing().find("trailing"), "at the end") << method;
    EXPECT_EQ(call->trailing().find("trailing-bin"), "\0\xFF"s) << method;
    EXPECT_EQ(call->trailing().size(), 2U) << method;
  }
}

TEST_P(EitherWay, StatusWithDetails) {
  for (const auto* method : {"Say", "Collect", "Spread", "Talk"}) {
    const auto call = ask(head(path(method), "fail"), piece("m"));
    const auto end = call->end();
    EXPECT_EQ(end.code, status_code::failed_precondition) << method;
    EXPECT_EQ(end.message, "not y\xC3\xA9t") << method;
    EXPECT_EQ(end.details, "\x08\x09\0details"s) << method;
    EXPECT_TRUE(call->trailing().empty()) << method;
    EXPECT_EQ(call->answers(), 0U) << method;
  }
}

TEST_P(EitherWay, WhatMayNotBeSentIsLeftOut) {
  const auto call = ask(head(path("Say"), "unsendable"), piece("m"));
  EXPECT_EQ(call->end(), status{});
  EXPECT_EQ(call->trailing().find("good"), "value");
  EXPECT_EQ(call->trailing().size(), 1U);
}

TEST_P(EitherWay, AHandlerThatThrowsFailsItsCallOnly) {
  // grpc++ takes a callback handler without a reactor for one that was never written.
  const auto expected =
      GetParam() == "Callback"s ? status_code::unimplemented : status_code::unknown;
  EXPECT_EQ(ask(head(path("Say"), "throw"), piece("m"))->end().code, expected);
  EXPECT_EQ(ask(head(path("Say")), piece("m"))->end(), status{});
}

TEST_P(EitherWay, TheHandlerSeesTheDeadline) {
  auto with = head(path("Say"), "deadline");
  with.deadline = std::chrono::system_clock::now() + 1h;
  const auto call = ask(std::move(with), piece(""));
  const auto left = parsed(call->answer()).number();
  EXPECT_GT(left, 3500);
  EXPECT_LE(left, 3600);
}

TEST_P(EitherWay, TheHandlerSeesWhoCalls) {
  auto with = head(path("Say"), "caller");
  with.peer = "ipv4:10.0.0.1:4711";
  with.client_subject = "CN=\xC3\xA4pfel,O=x";
  with.client_fingerprint = "ab12";
  const auto call = ask(std::move(with), piece(""));
  EXPECT_EQ(parsed(call->answer()).data(), "ipv4:10.0.0.1:4711|CN=\xC3\xA4pfel,O=x|ab12");
}

TEST_P(EitherWay, MessagesOfAnyLength) {
  const std::vector<std::size_t> sizes{0, 1, 100, 65'536, 5 << 20};
  for (const auto size : sizes) {
    const std::string data(size, 'x');
    const auto unary = ask(head(path("Say")), size == 0 ? "" : piece(data));
    EXPECT_TRUE(parsed(unary->answer()).data() == data) << size;
    const auto stream = ask(head(path("Talk")), size == 0 ? "" : piece(data));
    EXPECT_TRUE(parsed(stream->answer()).data() == data) << size;
    EXPECT_EQ(stream->end(), status{});
  }
}

TEST_P(EitherWay, TheHeaderGoesOutWhenTheHandlerSendsIt) {
  const auto call = begin(head(path("Talk"), "header"));
  EXPECT_TRUE(call->header());  // with no message from either side
  call->half_close();
  EXPECT_EQ(call->end(), status{});
}

TEST_P(EitherWay, TheNextAnswerWaitsForTheOneBefore) {
  const auto call = begin(head(path("Spread")));
  call->take(false);
  call->push(piece("x", 100));
  call->half_close();
  EXPECT_EQ(parsed(call->answer()).number(), 0);
  // A whole call beside it: what could be sent would have been sent meanwhile.
  EXPECT_EQ(ask(head(path("Talk")), piece(""))->end(), status{});
  EXPECT_EQ(call->answers(), 0U);
  call->take(true);
  for (int i = 1; i < 100; ++i) EXPECT_EQ(parsed(call->answer()).number(), i);
  EXPECT_EQ(call->end(), status{});
}

TEST_P(EitherWay, DeadlineOfGrpcIsWhatTheClientHears) {
  auto with = head(path("Talk"));
  with.deadline = std::chrono::system_clock::now() + 20ms;
  EXPECT_EQ(begin(std::move(with))->end().code, status_code::deadline_exceeded);
}

TEST_F(BridgeTest, AHandlerThatDoesNotReadHoldsTheClientBack) {
  const auto call = begin(head("/bridge_test.Sync/Collect", "hold"));
  for (int i = 0; i < 50; ++i) call->push(piece("x"));
  call->half_close();
  sync_.held.wait_for_somebody();
  // Other calls come and go meanwhile.
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(ask(head("/bridge_test.Sync/Talk"), piece(""))->end(), status{});
  EXPECT_LE(call->asks(), 2U);
  sync_.held.open();
  EXPECT_EQ(parsed(call->answer()).number(), 50);
  EXPECT_EQ(call->end(), status{});
}

TEST_F(BridgeTest, WhatNobodyServesIsUnimplemented) {
  for (const auto* path : {"/bridge_test.Sync/Missing", "/no.Service/Method", "/x", "x", "/", ""}) {
    const auto end = ask(head(path), piece("m"))->end();
    EXPECT_EQ(end.code, status_code::unimplemented) << path;
  }
}

TEST_F(BridgeTest, ACallThatEndsCancelsItsHandler) {
  const auto sync = begin(head("/bridge_test.Sync/Talk", "cancel"));
  sync_.started.pass();
  sync->leave();
  while (sync_.cancelled == 0) std::this_thread::yield();

  const auto unary = ask(head("/bridge_test.Callback/Say", "cancel"), piece(""));
  callback_.started.pass();
  unary->leave();
  callback_.cancelled.pass();
  unary->wait_left();
}

TEST_F(BridgeTest, ACallThatEndsBeforeItsMessageWasNeverThere) {
  const auto call = begin(head("/bridge_test.Sync/Say"));
  call->leave();
  call->wait_left();
  EXPECT_EQ(bridge_->open_calls(), 0U);
}

TEST_F(BridgeTest, OpenCallsAreCounted) {
  const auto call = begin(head("/bridge_test.Callback/Talk"));
  call->push(piece(""));
  call->answer();
  EXPECT_EQ(bridge_->open_calls(), 1U);
  call->half_close();
  call->end();
  while (bridge_->open_calls() != 0) std::this_thread::yield();
}

TEST_F(BridgeTest, TheEndCancelsWhatIsOpen) {
  std::vector<std::shared_ptr<client_call>> open;
  for (const auto* path : {"/bridge_test.Sync/Talk", "/bridge_test.Callback/Talk",
                           "/bridge_test.Sync/Collect", "/bridge_test.Callback/Collect"}) {
    open.push_back(begin(head(path)));
    open.back()->push(piece(""));
    EXPECT_TRUE(open.back()->wait_asked(2));
  }
  bridge_.reset();
  for (const auto& each : open) EXPECT_FALSE(each->end().ok());
}

TEST_F(BridgeTest, ACallAfterTheEndOfItsLoop) {
  auto loop = std::make_unique<loop_thread>();
  const auto call = begin(*loop, head("/bridge_test.Sync/Talk", "hold"));
  sync_.held.wait_for_somebody();
  call->leave();
  call->wait_left();
  loop.reset();
  sync_.held.open();
  while (bridge_->open_calls() != 0) std::this_thread::yield();
}

TEST_F(BridgeTest, ManyCallsOnManyThreads) {
  constexpr int calls = 100;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([this, t] {
      const std::string service = t % 2 == 0 ? "/bridge_test.Sync/" : "/bridge_test.Callback/";
      loop_thread loop;
      for (int i = 0; i < calls; ++i) {
        const auto call = begin(loop, head(service + (i % 2 == 0 ? "Say" : "Talk")));
        call->push(piece("of a thread", i));
        call->half_close();
        EXPECT_EQ(parsed(call->answer()).number(), i);
        EXPECT_EQ(call->end(), status{});
      }
    });
  for (auto& each : threads) each.join();
}

}  // namespace
}  // namespace baton::grpc::test

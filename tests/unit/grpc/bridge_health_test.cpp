// What the bridge answers by itself: health and reflection; and how its server is put together.
#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "baton/base/error.hpp"
#include "baton/base/log.hpp"
#include "bridge_fixture.hpp"

namespace baton::grpc::test {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

constexpr const char* check = "/grpc.health.v1.Health/Check";
constexpr const char* watch = "/grpc.health.v1.Health/Watch";
constexpr const char* reflect = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";

// HealthCheckResponse{status}
const auto serving = "\x08\x01"s;
const auto not_serving = "\x08\x02"s;
const auto service_unknown = "\x08\x03"s;

/// HealthCheckRequest{service}
std::string of_service(std::string_view name) {
  if (name.empty()) return {};
  return "\x0A"s + static_cast<char>(name.size()) + std::string{name};
}

/// ServerReflectionRequest{list_services: ""}
const auto list_services = "\x3A\x00"s;

class BridgeHealth : public BridgeTest {
 protected:
  std::string checked(std::string_view service) {
    return ask(head(check), of_service(service))->answer().value_or("no answer");
  }
};

TEST_F(BridgeHealth, TheWholeServerServesFromTheStart) {
  EXPECT_EQ(checked(""), serving);
  EXPECT_EQ(ask(head(check), of_service("not.Known"))->end().code, status_code::not_found);
}

TEST_F(BridgeHealth, SaysWhatItIsTold) {
  bridge_->set_serving("a.Service", true);
  EXPECT_EQ(checked("a.Service"), serving);
  bridge_->set_serving("a.Service", false);
  EXPECT_EQ(checked("a.Service"), not_serving);
  EXPECT_EQ(checked(""), serving);
  bridge_->set_serving("", false);
  EXPECT_EQ(checked(""), not_serving);
}

TEST_F(BridgeHealth, NothingServesWhileItDrains) {
  bridge_->set_serving("up.Service", true);
  bridge_->set_serving("down.Service", false);
  bridge_->set_draining(true);
  for (const auto* each : {"", "up.Service", "down.Service"})
    EXPECT_EQ(checked(each), not_serving) << each;
  bridge_->set_serving("late.Service", true);
  EXPECT_EQ(checked("late.Service"), not_serving);
  // The upgrade failed, and the process serves on.
  bridge_->set_draining(false);
  for (const auto* each : {"", "up.Service", "late.Service"})
    EXPECT_EQ(checked(each), serving) << each;
  EXPECT_EQ(checked("down.Service"), not_serving);
}

TEST_F(BridgeHealth, WhoWatchesIsTold) {
  const auto whole = ask(head(watch), of_service(""));
  const auto unknown = ask(head(watch), of_service("not.Known"));
  EXPECT_EQ(whole->answer(), serving);
  EXPECT_EQ(unknown->answer(), service_unknown);
  bridge_->set_draining(true);
  EXPECT_EQ(whole->answer(), not_serving);
  bridge_->set_draining(false);
  EXPECT_EQ(whole->answer(), serving);
  bridge_->set_serving("not.Known", true);
  EXPECT_EQ(unknown->answer(), serving);
  whole->leave();
  unknown->leave();
  while (bridge_->open_calls() != 0) std::this_thread::yield();
}

TEST_F(BridgeHealth, ReflectionListsTheServices) {
  const auto call = ask(head(reflect), list_services);
  const auto answer = call->answer().value_or("no answer");
  for (const auto* each : {"bridge_test.Sync", "bridge_test.Callback", "grpc.health.v1.Health"})
    EXPECT_NE(answer.find(each), std::string::npos) << each;
  EXPECT_EQ(call->end(), status{});
}

TEST_F(BridgeHealth, AnswersOnlyWhatItIsToldTo) {
  bridge_.reset();
  bridge_ = std::make_unique<bridge>(std::vector<::grpc::Service*>{},
                                     bridge_options{.health = false, .reflection = false});
  bridge_->set_serving("", true);
  for (const auto* each : {check, watch, reflect})
    EXPECT_EQ(ask(head(each), "")->end().code, status_code::unimplemented) << each;
}

TEST_F(BridgeHealth, NeedsNoServices) {
  bridge_.reset();
  bridge_ = std::make_unique<bridge>(std::vector<::grpc::Service*>{}, bridge_options{});
  EXPECT_EQ(checked(""), serving);
}

std::string refusal(const std::vector<::grpc::Service*>& services) {
  try {
    const bridge refused{services, {}};
  } catch (const setup_error& why) {
    return why.what();
  }
  return "none";
}

TEST(BridgeSetup, AServiceTwiceIsRefused) {
  sync_service one;
  sync_service same;
  const auto why = refusal({&one, &same});
  EXPECT_NE(why.find("/bridge_test.Sync/Say"), std::string::npos) << why;
  EXPECT_NE(why.find("Add each service once"), std::string::npos) << why;
  EXPECT_EQ(refusal({&one}), "none");
}

TEST(BridgeSetup, ServicesOfTheCompletionQueueApiAreRefused) {
  bridge_test::Sync::AsyncService polled;
  EXPECT_NE(refusal({&polled}).find("completion queue"), std::string::npos);
  EXPECT_NE(refusal({nullptr}).find("null"), std::string::npos);
}

TEST(BridgeSetup, AHandlerThatDoesNotReturnIsLeftBehind) {
  std::string logged;
  set_error_log([&](std::string_view line) { logged = line; });
  // Never destroyed: its server may still be ending when the process does.
  static auto& kept = *new std::deque<sync_service>;
  auto& service = kept.emplace_back();
  loop_thread loop;
  const auto call = std::make_shared<client_call>(loop, head("/bridge_test.Sync/Say", "hold"));
  {
    bridge over{{&service}, {.patience = 50ms}};
    call->push(piece(""));
    boost::asio::post(loop.context(), [&over, call] { over.serve(call); });
    service.held.wait_for_somebody();
  }
  reset_logs();
  EXPECT_NE(logged.find("(1 calls were open)"), std::string::npos) << logged;
  EXPECT_FALSE(call->end().ok());  // it must end before its loop does
  service.held.open();
}

}  // namespace
}  // namespace baton::grpc::test

#include "ondemand/faces/explanation.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

namespace baton::ondemand::test {
namespace {

using namespace std::chrono_literals;

const std::chrono::system_clock::time_point now{std::chrono::seconds{1'800'000'000}};

/// All sentences, a line each.
std::string told(const service_status& of) {
  return fmt::format("{}", fmt::join(explain(of, now), "\n"));
}

service_status ready() {
  service_status of{.name = "shop", .state = service_state::ready, .since = 90s, .pid = 42};
  of.kind = "child";
  of.idle_timeout = 5min;
  of.routes = {"shop.example", "any host/shop"};
  of.starts = 1;
  of.last_starts = {{.number = 1,
                     .cause = start_cause::request,
                     .host = "shop.example",
                     .path = "/a",
                     .peer = "192.0.2.7:1234",
                     .at = now - 91s,
                     .begun = 40us,
                     .spawned = 2600us,
                     .ready = 34'000us,
                     .first_byte = 36'500us,
                     .pid = 42}};
  return of;
}

TEST(Explanation, OfAReadyServiceTellsWhoStartedItAndWhenItStops) {
  auto of = ready();
  of.idle_in = 210s;
  EXPECT_EQ(told(of),
            "shop is ready since 2027-01-15T07:58:30.000Z, for 1 min 30 s, as process 42.\n"
            "It was started last by a request for shop.example/a from 192.0.2.7:1234, at "
            "2027-01-15T07:58:29.000Z.\n"
            "It was ready 34.0 ms after that; its program ran after 2.6 ms; its first answer began "
            "after 36.5 ms.\n"
            "If nothing comes it is stopped at 2027-01-15T08:03:30.000Z, in 3 min 30 s.\n"
            "Requests for shop.example, any host/shop lead to it.");
}

TEST(Explanation, WhatIsOpenKeepsIt) {
  auto of = ready();
  of.open = 2;
  EXPECT_NE(told(of).find("2 requests are open.\n"
                          "It is kept while anything is open, and for 5 min behind that."),
            std::string::npos)
      << told(of);
  of.open = 1;
  EXPECT_NE(told(of).find("1 request is open."), std::string::npos);
}

TEST(Explanation, OfOneThatIsNeverStopped) {
  auto of = ready();
  of.idle_timeout = 0ms;
  EXPECT_NE(told(of).find("Its idle time is 0"), std::string::npos);
  of.always = true;
  EXPECT_NE(told(of).find("It is to run always"), std::string::npos);
}

TEST(Explanation, OfOneThatNobodyWantedYet) {
  service_status of{.name = "shop"};
  of.kind = "child";
  EXPECT_EQ(told(of),
            "shop is stopped: nothing has wanted it yet.\n"
            "The next request, or the operator, starts it.\n"
            "No route leads to it.");
}

TEST(Explanation, OfAStoppedOneSaysWhy) {
  auto of = ready();
  of.state = service_state::stopped;
  of.pid = 0;
  of.because = "nothing was open for its idle time";
  EXPECT_NE(told(of).find("The reason: nothing was open for its idle time."), std::string::npos);
}

TEST(Explanation, OfAStartSaysWhatIsWaitedFor) {
  service_status of{.name = "shop", .state = service_state::starting, .since = 2s, .waiting = 3};
  of.kind = "child";
  of.progress = "connection refused on 127.0.0.1:9001 since 2 s";
  EXPECT_NE(told(of).find("It is not ready yet: connection refused on 127.0.0.1:9001 since 2 s."),
            std::string::npos);
  EXPECT_NE(told(of).find("3 requests wait for it."), std::string::npos);
}

TEST(Explanation, OfAFailureSaysWhyAndWhenItIsTriedAgain) {
  service_status of{.name = "shop", .state = service_state::failed, .since = 1s, .failures = 3};
  of.kind = "child";
  of.why = "exited with status 3 before it was ready";
  of.retry_in = 4s;
  EXPECT_NE(
      told(of).find("It failed last (3 times in a row): exited with status 3 before it was ready.\n"
                    "The next request starts it, but not before 2027-01-15T08:00:04.000Z, in 4 s; "
                    "requests are told 503 until then."),
      std::string::npos)
      << told(of);
  of.retry_in = 0s;
  EXPECT_NE(told(of).find("The next request, or the operator, starts it."), std::string::npos);
}

TEST(Explanation, OfOneThatIsOnlyPassedOnTo) {
  service_status of{.name = "shop", .state = service_state::ready, .since = 1s};
  of.kind = "proxied";
  EXPECT_NE(told(of).find("The gateway neither starts nor ends it"), std::string::npos);
}

}  // namespace
}  // namespace baton::ondemand::test

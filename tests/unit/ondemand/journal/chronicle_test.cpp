#include "ondemand/journal/chronicle.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "../received_request.hpp"

namespace baton::ondemand::test {
namespace {

using enum service_state;

/// A service's chronicle, and what it told.
struct Chronicle : ::testing::Test {
  void start() { of.changed(stopped, starting, {}, 0); }
  void come_up() {
    of.spawned(42);
    of.changed(starting, ready, {}, 42);
  }
  void end() {
    of.changed(draining, stopping, {}, 42);
    of.changed(stopping, stopped, {}, 0);
  }
  void knock(std::string_view path = "/app?secret=1") {
    const received_request asked{
        std::string{"GET "}.append(path).append(" HTTP/1.1\r\nHost: shop.example\r\n\r\n"),
        "192.0.2.7:1234"};
    of.knocked(asked.request);
  }

  std::vector<state_change> changes;
  int steps = 0;
  chronicle of{"shop",
               false,
               {.on_change = [this](const state_change& what) { changes.push_back(what); },
                .on_step = [this] { ++steps; }}};
};

TEST_F(Chronicle, AStartBelongsToTheFirstRequestThatWaited) {
  knock("/app?secret=1");
  knock("/other");
  start();
  come_up();
  const auto record = of.last_start();
  ASSERT_TRUE(record);
  EXPECT_EQ(record->number, 1);
  EXPECT_EQ(record->cause, start_cause::request);
  EXPECT_EQ(record->host, "shop.example");
  EXPECT_EQ(record->path, "/app") << "without what follows the '?', which may be secret";
  EXPECT_EQ(record->peer, "192.0.2.7:1234");
  EXPECT_EQ(record->pid, 42);
  ASSERT_TRUE(record->begun && record->spawned && record->ready);
  EXPECT_LE(*record->begun, *record->spawned);
  EXPECT_LE(*record->spawned, *record->ready);
  EXPECT_FALSE(record->first_byte);
  EXPECT_EQ(changes.at(0).why, "a request for shop.example/app from 192.0.2.7:1234");
  EXPECT_EQ(changes.at(1).pid, 42);
}

TEST_F(Chronicle, TheFirstAnswerIsTheOneThatCounts) {
  of.answered();
  start();
  of.answered();
  come_up();
  EXPECT_FALSE(of.last_start()->first_byte);
  of.answered();
  const auto first = of.last_start()->first_byte;
  ASSERT_TRUE(first);
  const auto told = steps;
  of.answered();
  EXPECT_EQ(of.last_start()->first_byte, first);
  EXPECT_EQ(steps, told);
}

TEST_F(Chronicle, WhoHasLeftStartsNothing) {
  knock();
  of.deserted();
  of.ordered(service_order::start);
  start();
  EXPECT_EQ(of.last_start()->cause, start_cause::order);
  EXPECT_EQ(of.last_start()->host, "");
  EXPECT_EQ(changes.back().why, "the operator wants it");
}

TEST_F(Chronicle, WhoWaitsBehindAStopIsWhoStartsItNext) {
  start();
  come_up();
  of.ordered(service_order::stop);
  of.changed(ready, draining, {}, 42);
  knock("/late");
  end();
  EXPECT_EQ(changes.at(2).why, "the operator wants it to stop");
  EXPECT_EQ(changes.at(4).to, stopped);
  EXPECT_EQ(changes.at(4).why, "the operator wants it to stop");
  EXPECT_EQ(of.because(), "the operator wants it to stop");
  start();
  EXPECT_EQ(of.last_start()->cause, start_cause::request);
  EXPECT_EQ(of.last_start()->path, "/late");
}

TEST_F(Chronicle, AnOrderThatChangesNothingIsNoReasonLater) {
  start();
  come_up();
  of.ordered(service_order::start);
  of.changed(ready, draining, {}, 42);
  end();
  EXPECT_EQ(changes.at(2).why, "nothing was open for its idle time");
  of.ordered(service_order::stop);
  knock();
  start();
  EXPECT_EQ(of.last_start()->cause, start_cause::request);
  of.changed(starting, stopping, "exited with status 3", 42);
  EXPECT_EQ(changes.back().why, "exited with status 3");
}

TEST_F(Chronicle, ARestartIsOneOrder) {
  start();
  come_up();
  of.ordered(service_order::restart);
  of.changed(ready, draining, {}, 42);
  end();
  start();
  EXPECT_EQ(changes.at(2).why, "the operator restarts it");
  EXPECT_EQ(of.last_start()->cause, start_cause::order);
}

TEST_F(Chronicle, AStartThatFailedSaysWhy) {
  knock();
  start();
  of.changed(starting, stopping, "exited with status 3", 42);
  of.changed(stopping, failed, "exited with status 3", 0);
  EXPECT_EQ(of.last_start()->failure, "exited with status 3");
  EXPECT_FALSE(of.last_start()->ready);
  EXPECT_EQ(of.counted().failures, 1);
  EXPECT_EQ(of.counted().starts, 1);
}

TEST_F(Chronicle, WhatIsToRunAlwaysSaysSo) {
  chronicle always{"shop", true, {}};
  always.changed(stopped, starting, {}, 0);
  EXPECT_EQ(always.last_start()->cause, start_cause::always);
}

TEST_F(Chronicle, KeepsTheLastStarts) {
  for (std::size_t i = 0; i < chronicle::most + 3; ++i) {
    start();
    come_up();
    end();
  }
  const auto all = of.starts();
  EXPECT_EQ(all.size(), chronicle::most);
  EXPECT_EQ(all.front().number, 4);
  EXPECT_EQ(all.back().number, chronicle::most + 3);
}

TEST_F(Chronicle, CountsHowLongStartsTook) {
  start();
  come_up();
  const auto counted = of.counted();
  std::uint64_t sum = 0;
  for (const auto each : counted.times.counts) sum += each;
  EXPECT_EQ(sum, 1);
  EXPECT_GE(counted.times.sum.count(), 0);
}

TEST_F(Chronicle, LongTextsAreCut) {
  knock("/" + std::string(5000, 'x'));
  start();
  EXPECT_LE(of.last_start()->path.size(), 200);
}

TEST_F(Chronicle, AddsUpWhatItsDoorsCount) {
  auto& one = of.new_counts();
  auto& other = of.new_counts();
  one.open.up();
  other.open.up();
  other.open.up();
  other.open.down();
  other.waiting.up();
  EXPECT_EQ(of.open(), 2);
  EXPECT_EQ(of.waiting(), 1);
}

TEST_F(Chronicle, WhatAnEarlierGenerationLeftIsNoChange) {
  of.recall(ready);
  EXPECT_EQ(of.state(), ready);
  EXPECT_TRUE(changes.empty());
  of.ordered(service_order::stop);
  of.changed(ready, draining, {}, 42);
  EXPECT_EQ(changes.back().why, "the operator wants it to stop");
}

TEST(ServiceOrder, IsReadAsItIsWritten) {
  for (const auto each : {service_order::start, service_order::stop, service_order::kill,
                          service_order::restart, service_order::leave})
    EXPECT_EQ(read_order(to_string(each)), each);
  EXPECT_FALSE(read_order("pause"));
  EXPECT_FALSE(read_order(""));
}

TEST_F(Chronicle, DoorsOfSeveralThreadsTellIt) {
  chronicle busy{"shop", false, {}};
  std::vector<std::thread> doors;
  for (int i = 0; i < 3; ++i)
    doors.emplace_back([&busy] {
      const received_request asked{"GET / HTTP/1.1\r\nHost: h\r\n\r\n"};
      auto& counts = busy.new_counts();
      for (int n = 0; n < 2000; ++n) {
        busy.knocked(asked.request);
        counts.open.up();
        busy.answered();
        counts.open.down();
      }
    });
  for (int n = 0; n < 200; ++n) {
    busy.changed(stopped, starting, {}, 0);
    busy.spawned(1);
    busy.changed(starting, ready, {}, 1);
    busy.deserted();
    busy.changed(draining, stopping, {}, 1);
    busy.changed(stopping, stopped, {}, 0);
  }
  for (auto& each : doors) each.join();
  EXPECT_EQ(busy.counted().starts, 200);
  EXPECT_EQ(busy.open(), 0);
}

}  // namespace
}  // namespace baton::ondemand::test

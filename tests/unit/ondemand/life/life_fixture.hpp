#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "ondemand/life/life.hpp"

namespace baton::ondemand {

using namespace std::chrono_literals;
using verdict = admission::verdict;
using strings = std::vector<std::string>;

/// A life, its clock, and what it wanted done.
class Life : public testing::Test, public life_effects {
 protected:
  void begin_start() override { note("start"); }
  void begin_stop(bool at_fault) override { note(at_fault ? "stop at fault" : "stop"); }
  void open_doors() override { note("open"); }
  void try_doors() override { note("try"); }
  void close_doors() override { note("close"); }
  void ask_traffic() override { note("ask"); }
  void watch_traffic() override { note("watch"); }
  void begin_probe() override { note("probe"); }
  void refuse_waiting(const std::string& why, milliseconds retry_after) override {
    note("refuse: " + why + ", " + std::to_string(retry_after.count()));
  }
  void changed(service_state before) override {
    states.push_back(std::string{to_string(before)} + " to " +
                     std::string{to_string(subject.state())});
  }
  void note(std::string what) { done.push_back(std::move(what)); }

  /// What was done since the last time.
  strings effects() { return std::exchange(done, {}); }
  verdict request() { return subject.request(now).what; }

  void make_ready() {
    static_cast<void>(request());
    subject.came_up(now);
    ASSERT_EQ(subject.state(), service_state::ready);
    done.clear();
    states.clear();
  }
  /// Time goes by, up to the next deadline.
  void wait() {
    ASSERT_TRUE(subject.deadline());
    now = std::max(now, *subject.deadline());
    subject.on_time(now);
  }
  void make_failed(const char* why = "it burnt") {
    static_cast<void>(request());
    subject.failed(now, why);
    subject.ended(now);
    ASSERT_EQ(subject.state(), service_state::failed);
    done.clear();
  }
  void with(const life_options& wanted) { subject.update(wanted, now); }

  time_point now = time_point{} + 1h;
  strings done, states;
  life_options options{.idle_timeout = 60s, .drain_timeout = 30s, .backoff = 1s, .backoff_cap = 8s};
  life subject{options, *this};
};

}  // namespace baton::ondemand

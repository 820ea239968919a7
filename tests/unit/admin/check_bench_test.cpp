#include "admin/check_bench.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "baton/base/error.hpp"

namespace baton::admin {
namespace {

using strings = std::vector<std::string>;

class CheckBench : public testing::Test {
 protected:
  ~CheckBench() override { bench_->close(); }

  void open() {
    bench_->open([this] {
      const std::scoped_lock lock{mutex_};
      ++woken_;
      changed_.notify_all();
    });
  }
  /// Runs what is due until every check has said something.
  std::vector<check_report> results() {
    for (;;) {
      int before = 0;
      {
        const std::scoped_lock lock{mutex_};
        before = woken_;
      }
      const auto next = bench_->run_due();
      auto found = bench_->reports();
      const bool all = std::all_of(found.begin(), found.end(), [](const auto& each) {
        return each.at != std::chrono::system_clock::time_point{};
      });
      if (all) return found;
      std::unique_lock lock{mutex_};
      changed_.wait_until(lock, next.value(), [&] { return woken_ != before; });
    }
  }
  [[nodiscard]] strings names() const {
    strings all;
    for (const auto& each : bench_->reports()) all.push_back(each.name);
    return all;
  }
  static health_options disks(strings paths) {
    health_options made;
    made.disk_paths = std::move(paths);
    made.disk = {0, 0};
    return made;
  }

  std::shared_ptr<check_bench> bench_ = std::make_shared<check_bench>();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int woken_ = 0;
};

TEST_F(CheckBench, WhatACheckThrowsIsItsResult) {
  bench_->add("fine", [](const check_completion& done) { done({.value = 42}); }, {});
  bench_->add("throws", [](const auto&) { throw std::runtime_error{"on fire"}; }, {});
  bench_->add("throws anything", [](const auto&) { throw 7; }, {});
  bench_->add("says it, and throws then",
              [](const check_completion& done) {
                done({.status = health_status::degraded, .reason = "smoke"});
                throw std::runtime_error{"on fire"};
              },
              {});
  open();
  const auto found = results();
  EXPECT_EQ(found[0].status, health_status::healthy);
  EXPECT_EQ(found[0].value, 42);
  EXPECT_EQ(found[1].status, health_status::unhealthy);
  EXPECT_EQ(found[1].reason, "it threw: on fire");
  EXPECT_EQ(found[2].reason, "it threw: something that is no std::exception");
  EXPECT_EQ(found[3].status, health_status::degraded);
  EXPECT_EQ(found[3].reason, "smoke");
}

TEST_F(CheckBench, NothingIsRunUntilItIsOpenNorOnceItIsClosed) {
  bench_->add("fine", [](const check_completion& done) { done({}); }, {});
  EXPECT_FALSE(bench_->run_due());
  EXPECT_EQ(bench_->reports()[0].reason, "not run yet");
  open();
  EXPECT_EQ(results()[0].reason, "");
  bench_->close();
  EXPECT_FALSE(bench_->run_due());
}

TEST_F(CheckBench, TheDisksAreThoseOfTheLastOptions) {
  bench_->set_disks(disks({"/", "/no/such/path"}));
  EXPECT_EQ(names(), (strings{"disk /", "disk /no/such/path"}));
  open();
  const auto found = results();
  EXPECT_EQ(found[0].status, health_status::healthy);
  EXPECT_GT(found[0].value, 0);
  EXPECT_EQ(found[1].status, health_status::unhealthy);
  bench_->set_disks(disks({"/proc", "/"}));
  EXPECT_EQ(names(), (strings{"disk /", "disk /proc"}));
}

TEST_F(CheckBench, DisksThatMakeNoSenseChangeNothing) {
  bench_->set_disks(disks({"/"}));
  bench_->add("disk /tmp", [](const check_completion& done) { done({}); }, {});
  EXPECT_THROW(bench_->set_disks(disks({"/proc", "/tmp"})), setup_error);
  EXPECT_EQ(names(), (strings{"disk /", "disk /tmp"}));
  EXPECT_THROW(bench_->set_disks(disks({"/proc", "/proc"})), setup_error);
  EXPECT_EQ(names(), (strings{"disk /", "disk /tmp"}));
}

}  // namespace
}  // namespace baton::admin

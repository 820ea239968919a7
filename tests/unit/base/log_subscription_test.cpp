#include "baton/base/log_subscription.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace baton {
namespace {

class LogSubscription : public ::testing::Test {
 protected:
  LogSubscription() {
    for (const auto level : {log_level::info, log_level::notice, log_level::error})
      detail::set_log(level, [](const log_record&) {});
  }
  ~LogSubscription() override {
    reset_logs();
    set_log_level(log_level::info);
  }

  std::vector<std::string> heard_;
  log_callback remember_ = [this](const log_record& record) {
    heard_.emplace_back(record.message);
  };
};

TEST_F(LogSubscription, SeesEveryRecordBesideTheCallbacks) {
  int called = 0;
  set_info_log([&](std::string_view) { ++called; });
  const auto subscription = subscribe_logs(remember_);
  log_info("one");
  log_notice("two");
  log_error("three");
  EXPECT_EQ(called, 1);
  EXPECT_EQ(heard_, (std::vector<std::string>{"one", "two", "three"}));
}

TEST_F(LogSubscription, SeesNothingBelowTheLevelAndNothingOnceItIsGone) {
  auto subscription = std::optional{subscribe_logs(remember_)};
  set_log_level(log_level::notice);
  log_info("too quiet");
  log_notice("heard");
  subscription.reset();
  log_notice("too late");
  EXPECT_EQ(heard_, std::vector<std::string>{"heard"});
}

TEST_F(LogSubscription, SeveralLiveSideBySideAndMove) {
  std::vector<std::string> others;
  auto first = subscribe_logs(remember_);
  auto second =
      subscribe_logs([&](const log_record& record) { others.emplace_back(record.message); });
  log_info("both");
  first = std::move(second);
  log_info("the second alone");
  EXPECT_EQ(heard_, std::vector<std::string>{"both"});
  EXPECT_EQ(others, (std::vector<std::string>{"both", "the second alone"}));
}

TEST_F(LogSubscription, MayLogAndEndItselfFromWithin) {
  std::optional<log_subscription> subscription;
  subscription.emplace(subscribe_logs([&](const log_record& record) {
    heard_.emplace_back(record.message);
    log_info("from within");
    if (heard_.size() == 2) subscription.reset();
  }));
  log_info("one");
  log_info("two");
  log_info("three");
  EXPECT_EQ(heard_, (std::vector<std::string>{"one", "two"}));
}

TEST_F(LogSubscription, OnceDestroyedItRunsOnNoThread) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&] {
      while (!stop) log_info("again");
    });
  for (int i = 0; i < 200; ++i) {
    auto alive = std::make_unique<int>(0);
    auto subscription = std::optional{subscribe_logs([&](const log_record&) { ++*alive; })};
    subscription.reset();
    alive.reset();
  }
  stop = true;
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace baton

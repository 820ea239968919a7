#include "admin/collectables.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "baton/base/log.hpp"

namespace baton::admin {
namespace {

using namespace std::chrono_literals;
using families = std::vector<prometheus::MetricFamily>;

/// Longer than any of these tests, for those that must not wait for it.
constexpr auto for_ever = 1h;

families one(const std::string& name) {
  prometheus::MetricFamily made;
  made.name = name;
  made.metric.emplace_back();
  return {made};
}

class collectable final : public prometheus::Collectable {
 public:
  explicit collectable(std::function<families()> call) : call_{std::move(call)} {}
  [[nodiscard]] families Collect() const override { return call_(); }

 private:
  std::function<families()> call_;
};

std::shared_ptr<collectable> made(std::function<families()> call) {
  return std::make_shared<collectable>(std::move(call));
}

/// Who passes it waits until it is opened.
class barrier {
 public:
  void open() {
    const std::scoped_lock lock{mutex_};
    open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock{mutex_};
    ++came_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void wait_for(int count) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return came_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int came_ = 0;
};

std::vector<std::string> names(const families& of) {
  std::vector<std::string> all;
  for (const auto& each : of) all.push_back(each.name);
  return all;
}

class Collectables : public testing::Test {
 protected:
  Collectables() {
    set_error_log([this](std::string_view line) {
      const std::scoped_lock lock{mutex_};
      errors_ += std::string{line} + '\n';
    });
  }
  ~Collectables() override { reset_logs(); }

  std::string errors() {
    const std::scoped_lock lock{mutex_};
    return errors_;
  }

 private:
  std::mutex mutex_;
  std::string errors_;
};

using strings = std::vector<std::string>;

TEST_F(Collectables, AreAskedInTheirOrderEachTime) {
  collectables all;
  EXPECT_EQ(names(all.collect(for_ever)), strings{});
  all.add(made([] { return one("first"); }));
  all.add(made([] { return one("second"); }));
  EXPECT_EQ(names(all.collect(for_ever)), (strings{"first", "second"}));
  EXPECT_EQ(names(all.collect(for_ever)), (strings{"first", "second"}));
}

TEST_F(Collectables, OneThatThrowsIsNamedAndTheOthersAreThere) {
  collectables all;
  all.add(made([]() -> families { throw std::runtime_error{"on fire"}; }));
  all.add(made([]() -> families { throw 7; }));  // NOLINT(hicpp-exception-baseclass)
  all.add(made([] { return one("good"); }));
  EXPECT_EQ(names(all.collect(for_ever)), strings{"good"});
  EXPECT_NE(errors().find("a collectable of the program threw: on fire"), std::string::npos);
  EXPECT_NE(errors().find("no std::exception"), std::string::npos);
}

TEST_F(Collectables, OneThatHangsIsWaitedForOnceAndNotAskedAgainUntilItIsBack) {
  const auto gate = std::make_shared<barrier>();
  const auto asked = std::make_shared<std::atomic<int>>(0);
  collectables all;
  all.add(made([gate, asked] {
    ++*asked;
    gate->pass();
    return one("slow");
  }));
  EXPECT_EQ(names(all.collect(50ms)), strings{});
  EXPECT_NE(errors().find("has not answered within 0.05 s"), std::string::npos);
  all.add(made([] { return one("good"); }));
  // It is still at it: nobody waits.
  EXPECT_EQ(names(all.collect(for_ever)), strings{"good"});
  gate->wait_for(1);
  EXPECT_EQ(*asked, 1);
  gate->open();
  while (names(all.collect(for_ever)) != strings{"slow", "good"}) std::this_thread::yield();
  EXPECT_EQ(*asked, 2);
}

TEST_F(Collectables, TheEndWaitsForNobody) {
  const auto gate = std::make_shared<barrier>();
  collectables all;
  all.add(made([gate] {
    gate->pass();
    return one("slow");
  }));
  std::thread scrape{[&] { EXPECT_EQ(names(all.collect(for_ever)), strings{}); }};
  gate->wait_for(1);
  all.end();
  scrape.join();
  EXPECT_EQ(names(all.collect(for_ever)), strings{});
  EXPECT_EQ(errors(), "");
  gate->open();
}

}  // namespace
}  // namespace baton::admin

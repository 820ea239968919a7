#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ondemand/starter/starter.hpp"
#include "unit/ondemand/process/process_fixture.hpp"

namespace baton::ondemand {

/// A starter and what it told.
class StarterTest : public ProcessTest {
 protected:
  void TearDown() override {
    subject_.reset();
    ProcessTest::TearDown();
  }

  template <class Starter>
  Starter& make(service_options options) {
    auto made = std::make_unique<Starter>(context(), std::move(options), events());
    auto& here = *made;
    subject_ = std::move(made);
    return here;
  }

  /// All it told since the last time.
  std::vector<std::string> told() { return std::exchange(told_, {}); }
  void wait_for(const std::string& what) {
    run_until([&] { return !told_.empty() && told_.back().starts_with(what); }, what.c_str());
  }
  void start_ready() {
    subject_->start();
    EXPECT_TRUE(told_.empty()) << "told inside start";
    wait_for("ready");
    EXPECT_EQ(told(), (std::vector<std::string>{"spawned", "ready"}));
  }
  void stop() {
    const auto before = told_.size();
    subject_->stop();
    EXPECT_EQ(told_.size(), before) << "told inside stop";
    wait_for("stopped");
  }

 private:
  starter_events events() {
    return {.on_spawned = [this] { told_.emplace_back("spawned"); },
            .on_ready = [this] { told_.emplace_back("ready"); },
            .on_failed = [this](const std::string& why) { told_.push_back("failed: " + why); },
            .on_stopped = [this](const std::string& left) { told_.push_back("stopped" + left); }};
  }

  std::unique_ptr<starter> subject_;
  std::vector<std::string> told_;
};

}  // namespace baton::ondemand

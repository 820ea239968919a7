#pragma once

#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdlib>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "grpc/call.hpp"

namespace baton::grpc::test {

/// How long a test waits for what must come.
inline std::chrono::seconds patience() {
  const char* asked = std::getenv("BATON_PATIENCE");  // NOLINT(concurrency-mt-unsafe)
  return std::chrono::seconds{asked != nullptr ? std::atoi(asked) : 20};
}

/// A loop on a thread of its own.
class loop_thread {
 public:
  loop_thread() : thread_{[this] { context_.run(); }} {}
  loop_thread(const loop_thread&) = delete;
  loop_thread& operator=(const loop_thread&) = delete;
  ~loop_thread() {
    guard_.reset();
    context_.stop();
    thread_.join();
  }
  boost::asio::io_context& context() noexcept { return context_; }

 private:
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_{
      context_.get_executor()};
  std::thread thread_;
};

/// A call and its client in one: what the client does is asked from any thread, and done on the
/// loop's as the front end would.
class client_call : public call, public std::enable_shared_from_this<client_call> {
 public:
  client_call(loop_thread& loop, call_head head)
      : context_{loop.context()}, head_{std::move(head)} {}

  // The server's side.
  const call_head& head() const noexcept override { return head_; }
  boost::asio::io_context& context() const noexcept override { return context_; }
  void serve_by(std::shared_ptr<call_events> to) override { events_ = std::move(to); }
  void receive() override {
    EXPECT_FALSE(asked_) << "one message at a time";
    const std::scoped_lock lock{mutex_};
    asked_ = true;
    ++asks_;
    told_.notify_all();
    boost::asio::post(context_, [self = shared_from_this()] { self->deliver(); });
  }
  void begin(const metadata& initial) override {
    const std::scoped_lock lock{mutex_};
    EXPECT_FALSE(initial_) << "one header";
    initial_ = initial;
    told_.notify_all();
  }
  void send(std::string_view message) override {
    const std::scoped_lock lock{mutex_};
    EXPECT_FALSE(sending_) << "one message at a time";
    sending_ = true;
    answers_.emplace_back(message);
    told_.notify_all();
    if (takes_) confirm();
  }
  void finish(const status& how, const metadata& trailing) override {
    const std::scoped_lock lock{mutex_};
    EXPECT_FALSE(end_) << "one status";
    end_ = how;
    trailing_ = trailing;
    told_.notify_all();
    events_.reset();
  }

  // The client's side, on the test's thread.
  void push(std::string message) {
    act([this, message = std::move(message)]() mutable {
      messages_.push_back(std::move(message));
      deliver();
    });
  }
  void half_close() {
    act([this] {
      closed_ = true;
      deliver();
    });
  }
  void leave(status why = {status_code::cancelled, "the client left"}) {
    act([this, why = std::move(why)] {
      if (const auto to = std::exchange(events_, nullptr)) to->ended(why);
      const std::scoped_lock lock{mutex_};
      left_ = true;
      told_.notify_all();
    });
  }
  /// From now on, answers are not taken (or are again).
  void take(bool on) {
    const std::scoped_lock lock{mutex_};
    takes_ = on;
    if (on && sending_) confirm();
  }

  std::optional<metadata> header() {
    return wait([this] { return initial_.has_value() || end_.has_value(); }), initial_;
  }
  std::optional<std::string> answer() {
    wait([this] { return !answers_.empty() || end_; });
    const std::scoped_lock lock{mutex_};
    if (answers_.empty()) return std::nullopt;
    auto first = std::move(answers_.front());
    answers_.pop_front();
    return first;
  }
  status end() {
    if (!wait([this] { return end_.has_value(); })) return {status_code::unknown, "no end", ""};
    return *end_;
  }
  void wait_left() {
    wait([this] { return left_; });
  }
  /// Whether the message number `count` (from 1) was asked for.
  bool wait_asked(std::size_t count) {
    return wait([this, count] { return asks_ >= count; });
  }
  std::size_t asks() {
    const std::scoped_lock lock{mutex_};
    return asks_;
  }
  std::size_t answers() {
    const std::scoped_lock lock{mutex_};
    return answers_.size();
  }
  const metadata& trailing() const { return trailing_; }

 private:
  template <class Condition>
  bool wait(Condition condition) {
    std::unique_lock lock{mutex_};
    const bool came = told_.wait_for(lock, patience(), condition);
    EXPECT_TRUE(came) << "of " << head_.path;
    return came;
  }
  void act(std::function<void()> what) {
    boost::asio::post(context_, [self = shared_from_this(), what = std::move(what)] { what(); });
  }
  /// Mutex held.
  void confirm() {
    boost::asio::post(context_, [self = shared_from_this()] {
      {
        const std::scoped_lock lock{self->mutex_};
        self->sending_ = false;
      }
      if (const auto to = self->events_) to->sent();
    });
  }
  void deliver() {
    const auto to = events_;
    if (!asked_ || to == nullptr) return;
    if (!messages_.empty()) {
      asked_ = false;
      const auto message = std::move(messages_.front());
      messages_.pop_front();
      to->received(message);
    } else if (closed_) {
      asked_ = false;
      to->half_closed();
    }
  }

  boost::asio::io_context& context_;
  const call_head head_;

  // The loop's.
  std::shared_ptr<call_events> events_;
  std::deque<std::string> messages_;
  bool asked_ = false;
  bool closed_ = false;

  std::mutex mutex_;
  std::condition_variable told_;
  std::optional<metadata> initial_;
  std::deque<std::string> answers_;
  std::optional<status> end_;
  metadata trailing_;
  std::size_t asks_ = 0;
  bool sending_ = false;
  bool takes_ = true;
  bool left_ = false;
};

}  // namespace baton::grpc::test

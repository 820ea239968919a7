#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

namespace baton::admin {

/// The one thread of the admin service: here happens what must not hold up a loop. Its tasks run
/// one after another; what one throws is logged. Members are for any thread.
class back_office {
 public:
  back_office() = default;
  ~back_office() { close(); }
  back_office(const back_office&) = delete;
  back_office& operator=(const back_office&) = delete;

  /// Starts the thread unless it is there already, or was closed.
  void open();
  /// Ends it behind the task that it is at; tasks that wait are dropped. Not on its own thread.
  void close() noexcept;

  void post(std::function<void()> task);
  void after(std::chrono::steady_clock::duration time, std::function<void()> task);
  /// The first time after `period`.
  void every(std::chrono::steady_clock::duration period, std::function<void()> task);

  /// For what waits here, such as a descriptor.
  [[nodiscard]] boost::asio::io_context& context() noexcept { return context_; }

 private:
  void run();

  boost::asio::io_context context_{1};
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> guard_{
      context_.get_executor()};
  std::mutex mutex_;
  std::thread thread_;
  bool closed_ = false;
};

}  // namespace baton::admin

#pragma once

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/wait_traits.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "baton/server/options.hpp"
#include "baton/server/shutdown.hpp"

namespace baton {

/// What a shutdown acts on. Each member is called on the first loop's thread.
class shutdown_target {
 public:
  virtual ~shutdown_target() = default;
  /// Step 1: readiness is false from now on.
  virtual void begin_leave() = 0;
  /// Step 2: no loop accepts any more; `stopped` is called when that is so.
  virtual void stop_accepting(std::function<void()> stopped) = 0;
  /// Step 3: clients are told, `told` is called when every loop knows; later, idle connections end.
  virtual void announce(std::function<void()> told) = 0;
  virtual void close_when_idle() = 0;
  /// Step 4.
  virtual void drop() = 0;
  /// Step 5: runs the hooks; then calls `over`, within the call or later, with how many failed.
  virtual void run_hooks(std::function<void(std::size_t failed)> over) = 0;

  [[nodiscard]] virtual std::size_t open_connections() const = 0;
  /// Calls `emptied` once no connection is open.
  virtual void when_empty(std::function<void()> emptied) = 0;
  /// Whether the end must wait although nothing is open: a handover on probation.
  [[nodiscard]] virtual bool held() const = 0;
  virtual void finished(const shutdown_result& result) = 0;
};

/// The five steps in which a generation leaves, each with a log line and a deadline:
/// announce, stop accepting, drain, drop, hooks. Lives on the first loop's thread.
class shutdown_sequence {
 public:
  enum class reason : std::uint8_t {
    leave,        ///< a graceful exit: all five steps
    handed_over,  ///< another generation serves: step 1 is skipped, the door never closes
    abandon       ///< start-up failed: nothing is served, go to the hooks
  };

  shutdown_sequence(boost::asio::io_context& context, const server_options& options,
                    shutdown_target& target);

  /// Begins, once; a second call changes nothing.
  void begin(reason why);
  /// Drops what is open, now; begins if nothing has begun.
  void force();
  /// Takes everything back as long as the hooks did not run (a rolled back handover).
  void cancel();
  /// Asks again whether the end has come (`shutdown_target::held` may have changed).
  void reconsider();

  [[nodiscard]] bool running() const noexcept { return stage_ != stage::none; }
  [[nodiscard]] const shutdown_result& result() const noexcept { return result_; }

 private:
  using clock = std::chrono::steady_clock;
  using timer = boost::asio::basic_waitable_timer<clock, boost::asio::wait_traits<clock>,
                                                  boost::asio::io_context::executor_type>;
  enum class stage : std::uint8_t { none, announcing, stopping, draining, dropping, finished };

  void stop_accepting();
  void announce();
  void drain();
  void drop(std::string_view why);
  void run_hooks();
  void finish(std::size_t failed_hooks);
  void watch_empty();
  void enter(shutdown_step step, std::string_view text);
  void close_step();
  void arm(timer& which, std::chrono::milliseconds after, void (shutdown_sequence::*then)());
  void at_idle_grace();
  void at_drain_deadline();
  void give_up();

  const server_options& options_;
  shutdown_target& target_;
  timer lame_duck_;
  timer idle_grace_;
  timer deadline_;
  stage stage_ = stage::none;
  unsigned run_ = 0;  // callbacks of a cancelled run are recognised by it
  bool step_open_ = false;
  shutdown_step step_ = shutdown_step::announce;
  clock::time_point begun_;
  clock::time_point step_begun_;
  shutdown_result result_;
};

}  // namespace baton

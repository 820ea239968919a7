#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>

#include "baton/net/address.hpp"

namespace baton::ondemand {

/// What a starter tells. Called by the io_context, never inside a call of the starter's members.
struct starter_events {
  /// It runs, and is not ready yet: the process was spawned, or the start command ended well.
  std::function<void()> on_spawned = {};
  std::function<void()> on_ready = {};
  /// It did not come up, or has ended by itself: why, as a sentence. Once for each start; `stop`
  /// must follow.
  std::function<void(const std::string& why)> on_failed = {};
  /// `stop` is done. `left`: what could not be ended, as a sentence; empty: nothing is left.
  std::function<void(const std::string& left)> on_stopped = {};
};

/// Brings one service up and down, in the way of its kind. It does as it is told: when, is decided
/// by a `life`.
///
/// Invariants: between `start` and the end of the `stop` that follows, no other start; behind
/// `on_stopped` nothing that was started is left, or it is named. Lives on the first loop's
/// io_context.
class starter {
 public:
  starter() = default;
  starter(const starter&) = delete;
  starter& operator=(const starter&) = delete;
  virtual ~starter() = default;

  virtual void start() = 0;
  /// Also during a start, and of what has failed.
  virtual void stop() = 0;
  /// The time that a stop leaves ends now.
  virtual void hurry() {}

  /// Where requests go; known from the first `on_spawned` on.
  [[nodiscard]] virtual const net::address& target() const noexcept = 0;
  /// Of the process that is the service, if it is our child; else 0.
  [[nodiscard]] virtual pid_t pid() const noexcept { return 0; }
  /// Why it is not ready yet, and what it says of itself; empty if nobody knows.
  [[nodiscard]] virtual std::string progress() const { return {}; }
  /// The last lines that it wrote, of this start or the last one.
  [[nodiscard]] virtual std::string output_tail() const { return {}; }
};

}  // namespace baton::ondemand

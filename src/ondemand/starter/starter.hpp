#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>

#include "baton/net/address.hpp"
#include "ondemand/process/exit_status.hpp"
#include "ondemand/starter/holdings.hpp"

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
  /// What was lent has ended by itself: the borrower is to be told, who cannot learn how.
  std::function<void(const exit_status& how)> on_lent_ended = {};
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
  /// Between `on_spawned` and `on_ready`, requests are let in: the first answer is its readiness.
  [[nodiscard]] virtual bool checked_by_requests() const noexcept { return false; }
  /// A request is on its way to what was spawned; to be told within `on_spawned`.
  virtual void asked() {}
  /// It has answered one. True: it is ready with that, which `on_ready` does not tell.
  [[nodiscard]] virtual bool answered() { return false; }
  /// Also during a start, and of what has failed.
  virtual void stop() = 0;
  /// The time that a stop leaves ends now.
  virtual void hurry() {}
  /// It has ended and is not started again soon: what waits in its socket's queue is reset.
  virtual void turn_away() {}

  // A handover between two generations of the gateway, while it is stopped, failed or ready.
  /// What another generation needs to go on with it; here nothing more is done or told, but
  /// `on_lent_ended`.
  [[nodiscard]] virtual holdings lend() = 0;
  /// It is steered from here again. A process that has ended meanwhile is told as failed.
  virtual void take_back() {}
  /// The borrower has ended all of it, and something may run here still that waits for the news.
  virtual void lent_is_gone() {}
  /// Instead of a start, of what another generation lent. False: it cannot be kept by this kind of
  /// starter.
  [[nodiscard]] virtual bool adopt(holdings what) = 0;
  /// How the process ended that was adopted, as its parent says; nobody but that knows.
  virtual void told_exit(const exit_status& /*how*/) {}
  /// Instead of a stop: ends what generations that crashed left running; then `on_stopped`.
  virtual void sweep() { stop(); }
  /// The listening socket that is passed to the program; -1: there is none.
  [[nodiscard]] virtual int socket() const noexcept { return -1; }
  /// Whoever borrows keeps it for good: this generation leaves.
  virtual void forsake() {}

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

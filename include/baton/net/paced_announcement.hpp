#pragma once

#include <chrono>
#include <cstddef>

#include "baton/net/registry.hpp"
#include "baton/net/timer_wheel.hpp"

namespace baton::net {

/// Announces to everything in a registry, evenly over a time, so that N clients do not come back
/// in one instant.
///
/// Invariants: each one that was there at the beginning is told exactly once; in any tenth of the
/// time no more than a fifth of them is. Ends when destroyed. Lives on the registry's loop.
class paced_announcement final : private deadline {
 public:
  /// Begins at once: `over` of one tick or less means all of them now.
  paced_announcement(registry& all, timer_wheel& timers, std::chrono::milliseconds over);
  ~paced_announcement() override;

 private:
  void on_deadline() override;

  registry::tour tour_;
  timer_wheel& timers_;
  std::size_t batch_;
};

/// How long `count` clients should be given to come back if nobody asks for more: what a thread
/// can take beside its work is some thousands of new connections a second.
[[nodiscard]] std::chrono::milliseconds comeback_time(std::size_t count) noexcept;

}  // namespace baton::net

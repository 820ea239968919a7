#pragma once

#include <atomic>
#include <cstddef>

namespace baton::ondemand {

/// How many there are: counted by one thread, read by any. No locked instruction is spent on it.
class open_count {
 public:
  void up() noexcept { add(1); }
  void down() noexcept { add(static_cast<std::size_t>(-1)); }
  [[nodiscard]] std::size_t value() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

 private:
  void add(std::size_t what) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + what, std::memory_order_relaxed);
  }
  std::atomic<std::size_t> value_{0};
};

/// Of one door; each on a cache line of its own, so that threads do not get in each other's way.
struct alignas(64) door_counts {
  open_count open;     ///< requests, event streams and tunnels
  open_count waiting;  ///< requests
};

}  // namespace baton::ondemand

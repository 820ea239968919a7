#pragma once

#include <atomic>
#include <cstddef>

namespace baton::ondemand {

/// How many requests wait for one service, on all loops together. Thread-safe.
class waiting_room {
 public:
  waiting_room(std::size_t most, std::size_t most_bytes) noexcept
      : most_{most}, most_bytes_{most_bytes} {}

  /// False: it is full.
  [[nodiscard]] bool enter(std::size_t bytes) noexcept {
    if (count_.fetch_add(1) >= most_) {
      count_.fetch_sub(1);
      return false;
    }
    if (bytes_.fetch_add(bytes) + bytes <= most_bytes_) return true;
    leave(bytes);
    return false;
  }
  /// True: nobody is left.
  bool leave(std::size_t bytes) noexcept {
    bytes_.fetch_sub(bytes);
    return count_.fetch_sub(1) == 1;
  }
  /// For those that come from now on.
  void limit(std::size_t most, std::size_t most_bytes) noexcept {
    most_ = most;
    most_bytes_ = most_bytes;
  }
  [[nodiscard]] std::size_t count() const noexcept { return count_.load(); }

 private:
  std::atomic<std::size_t> most_;
  std::atomic<std::size_t> most_bytes_;
  std::atomic<std::size_t> count_{0};
  std::atomic<std::size_t> bytes_{0};
};

}  // namespace baton::ondemand

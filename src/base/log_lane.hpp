#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <string>
#include <utility>

namespace baton {

/// Lines on their way from the threads that log to the one that writes: bounded, and never waited
/// for. The lock is held for as long as it takes to append one line.
class log_lane {
 public:
  struct limits {
    std::size_t lines = 0;
    std::size_t bytes = 0;
  };
  enum class room : std::uint8_t { ordinary, reserved };

  explicit log_lane(limits most) noexcept : most_{most} {}

  /// Calls `append(std::string&)`, which adds one line with its end, if there is room. False if the
  /// line was dropped.
  template <class Append>
  bool put(Append&& append, room in = room::ordinary) noexcept {
    const std::scoped_lock lock{mutex_};
    if (!has_room(in)) [[unlikely]] {
      ++lost_;
      return false;
    }
    const auto before = waiting_.size();
    try {
      append(waiting_);
      ++lines_;
      return true;
    } catch (const std::bad_alloc&) {
      waiting_.resize(before);
      ++lost_;
      return false;
    }
  }

  struct taken {
    std::size_t lines = 0;
    std::uint64_t lost = 0;
  };
  /// Changes all that waits for `to`, which is empty. It counts as waiting until `release`.
  taken take(std::string& to) {
    const std::scoped_lock lock{mutex_};
    const taken all{lines_, std::exchange(lost_, 0)};
    in_flight_lines_ += std::exchange(lines_, 0);
    in_flight_bytes_ += waiting_.size();
    to.swap(waiting_);
    return all;
  }
  void release() noexcept {
    const std::scoped_lock lock{mutex_};
    in_flight_lines_ = 0;
    in_flight_bytes_ = 0;
  }

  void change(limits most) noexcept {
    const std::scoped_lock lock{mutex_};
    most_ = most;
  }

  // Around fork(2): what waits belongs to the parent.
  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }
  void forget() noexcept {
    const std::scoped_lock lock{mutex_};
    waiting_.clear();
    lines_ = in_flight_lines_ = in_flight_bytes_ = 0;
    lost_ = 0;
  }

 private:
  [[nodiscard]] bool has_room(room in) const noexcept {
    constexpr std::size_t reserved_part = 8;
    const auto reach = [in](std::size_t most) {
      return in == room::reserved ? most + most / reserved_part + 1 : most;
    };
    return lines_ + in_flight_lines_ < reach(most_.lines) &&
           waiting_.size() + in_flight_bytes_ < reach(most_.bytes);
  }

  std::mutex mutex_;
  limits most_;
  std::string waiting_;
  std::size_t lines_ = 0;
  std::size_t in_flight_lines_ = 0;
  std::size_t in_flight_bytes_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace baton

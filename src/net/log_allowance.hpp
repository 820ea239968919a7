#pragma once

#include <chrono>
#include <cstdint>
#include <utility>

namespace baton::net {

/// How many lines strangers may cause in the log: so many in a period, and the rest is counted.
class log_allowance {
 public:
  using clock = std::chrono::steady_clock;
  static constexpr unsigned lines = 10;
  static constexpr std::chrono::seconds period{10};

  [[nodiscard]] bool allows(clock::time_point now) noexcept {
    if (now - begun_ >= period) {
      begun_ = now;
      used_ = 0;
    }
    if (used_ < lines) {
      ++used_;
      return true;
    }
    ++withheld_;
    return false;
  }
  /// How many were not allowed since this was asked the last time.
  [[nodiscard]] std::uint64_t take_withheld() noexcept { return std::exchange(withheld_, 0); }

 private:
  clock::time_point begun_{};
  unsigned used_ = 0;
  std::uint64_t withheld_ = 0;
};

}  // namespace baton::net

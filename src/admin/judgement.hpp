#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "baton/admin/health_options.hpp"
#include "baton/admin/health_report.hpp"

namespace baton::admin {

/// What the thresholds say of `value`; `what` it is, for the reason: "0.93 of 100 connections".
[[nodiscard]] check_result judge(double value, const health_thresholds& limits,
                                 std::string_view what);

/// Throws setup_error that names `what` unless 0 <= degraded <= unhealthy.
void verify(const health_thresholds& limits, std::string_view what);

/// "1.5 GiB", for reasons.
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);

/// The share of failed answers among those of the last while. Told the time.
class error_window {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  /// `answers` and `errors` since the beginning.
  void note(time_point now, std::uint64_t answers, std::uint64_t errors,
            std::chrono::seconds window);
  [[nodiscard]] bool empty() const noexcept { return marks_.empty(); }
  [[nodiscard]] std::uint64_t answers() const noexcept;
  [[nodiscard]] std::uint64_t errors() const noexcept;
  [[nodiscard]] check_result judge(const health_options& by) const;

 private:
  struct mark {
    time_point at;
    std::uint64_t answers;
    std::uint64_t errors;
  };
  std::deque<mark> marks_;  // the first one is as old as the window, or a little older
};

}  // namespace baton::admin

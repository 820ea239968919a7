#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::admin {

/// From good to bad: of several the greatest counts.
enum class health_status : std::uint8_t { healthy, degraded, unhealthy };

[[nodiscard]] std::string_view to_string(health_status status) noexcept;

/// What a check says.
struct check_result {
  health_status status = health_status::healthy;
  std::string reason = {};  ///< for the operator: what is wrong, with the figures
  std::optional<double> value = {};
};

/// The last word of one check.
struct check_report {
  std::string name;
  health_status status = health_status::healthy;
  std::string reason;
  std::optional<double> value;
  std::chrono::microseconds took{0};
  std::chrono::system_clock::time_point at{};  ///< when it said so; the epoch: it has not yet
};

/// All of them.
struct health_report {
  health_status status = health_status::healthy;
  std::vector<check_report> checks;
};

}  // namespace baton::admin

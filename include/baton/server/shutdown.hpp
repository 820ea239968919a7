#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace baton {

/// The five steps in which a generation leaves.
enum class shutdown_step : std::uint8_t { announce, stop_accepting, drain, drop, hooks };

[[nodiscard]] std::string_view to_string(shutdown_step step) noexcept;

enum class shutdown_status : std::uint8_t {
  completed,  ///< all open work finished
  forced      ///< the drain deadline, or a second signal, cut connections
};

/// How a generation left.
struct shutdown_result {
  shutdown_status status = shutdown_status::completed;
  std::chrono::milliseconds total{0};
  /// How long each step took, by shutdown_step.
  std::array<std::chrono::milliseconds, 5> steps{};
  std::size_t connections_at_start = 0;
  std::size_t dropped = 0;
  /// Exit hooks that threw or were not run because the deadline had passed.
  std::size_t failed_hooks = 0;
  /// True if another generation took over, false for a plain exit.
  bool handed_over = false;
};

}  // namespace baton

#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace baton::admin {

/// Beyond the first value a check is degraded, beyond the second one unhealthy. Neither: both 0.
struct health_thresholds {
  double degraded = 0;
  double unhealthy = 0;
};

/// When a check is run.
struct check_options {
  /// From one run to the next; a result is kept until then.
  std::chrono::milliseconds interval{std::chrono::seconds{30}};
  /// A run that has not completed by then is unhealthy; what it says later is ignored.
  std::chrono::milliseconds timeout{std::chrono::seconds{5}};
};

/// The checks that are always there.
struct health_options {
  /// Connections open, as a share of the cap; of each listener and of the process.
  health_thresholds connections{0.7, 0.9};
  /// Answers with a status of 5xx, as a share of all within the window.
  health_thresholds error_rate{0.05, 0.1};
  std::chrono::seconds error_window{60};
  /// Fewer answers than this within the window say nothing.
  std::uint64_t error_minimum = 20;
  /// Memory in use, as a share of the control group's limit, or of RLIMIT_AS.
  health_thresholds memory{0.85, 0.95};
  /// Space in use on the file systems of `disk_paths`.
  health_thresholds disk{0.85, 0.95};
  std::vector<std::string> disk_paths = {};
  /// Descriptors in use, as a share of RLIMIT_NOFILE.
  health_thresholds descriptors{0.8, 0.95};
  /// Seconds that a task waits for its turn on the busiest loop.
  health_thresholds loop_lag{0.1, 1.0};
  /// For the checks of `disk_paths`, and for the program's own that say nothing else.
  check_options checks = {};
};

}  // namespace baton::admin

#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "baton/admin/health_options.hpp"
#include "baton/admin/health_report.hpp"

namespace baton {
class server;
}
namespace baton::http {
class service;
}

namespace baton::admin {

class back_office;

/// Completes one run of a check, on any thread. The first call counts, and only within the
/// time-out.
using check_completion = std::function<void(check_result)>;

/// One run of a check: completes at once or later. It has a thread of its own, which it may block.
using check = std::function<void(check_completion)>;

/// How a service is: what the built-in checks and the program's own say, the worst of it being the
/// answer.
///
/// Invariants: a check that throws, hangs or never completes is unhealthy, with the reason, and
/// nothing else suffers; at most one run of a check is under way; a result stands until the next
/// one; no check runs on a loop's thread. Thread-safe.
class health {
 public:
  /// As part of admin::service. The checks begin with `begin`, and end before `on` does.
  health(server& on, back_office& where, health_options options);
  ~health();
  health(const health&) = delete;
  health& operator=(const health&) = delete;

  /// One more check. Throws setup_error if the name is empty or taken, or a time makes no sense.
  void add(std::string name, check run, check_options options);
  void add(std::string name, check run);

  /// Called (the admin thread) whenever the status has changed.
  void on_change(std::function<void(health_status from, const health_report& now)> callback);

  [[nodiscard]] health_report current() const;
  /// Of one listener. Nothing if there is none of this name.
  [[nodiscard]] std::optional<health_report> current(std::string_view listener) const;
  /// Of each listener, by its name, in the order in which they were added.
  [[nodiscard]] std::vector<std::pair<std::string, health_report>> listeners() const;

  /// Other thresholds and times, from now on. Throws setup_error if one makes no sense; nothing is
  /// changed then.
  void update(const health_options& options);

  // What admin::service calls.
  void watch(const http::service& requests);
  void begin();
  void end() noexcept;

 private:
  struct implementation;
  std::unique_ptr<implementation> self_;
};

}  // namespace baton::admin

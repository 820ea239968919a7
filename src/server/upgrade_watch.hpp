#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string_view>
#include <vector>

#include "baton/base/error.hpp"
#include "baton/server/upgrade_report.hpp"

namespace baton {

/// Takes the times of upgrades and reports them. Lives on the first loop's thread.
class upgrade_watch {
 public:
  using callback = std::function<void(const upgrade_report&)>;

  void add(callback told) { told_.push_back(std::move(told)); }

  void begin();
  void spawned(pid_t child);
  /// Before `end`: why it does not happen. Else the outcome's own text has to do.
  void failed(std::string_view why) { report_.reason = why; }
  /// How long it has taken so far.
  [[nodiscard]] std::chrono::microseconds elapsed() const;
  const upgrade_report& end(const error_code& outcome);

 private:
  using clock = std::chrono::steady_clock;

  std::vector<callback> told_;
  upgrade_report report_;
  clock::time_point asked_;
  clock::time_point spawned_;
};

}  // namespace baton

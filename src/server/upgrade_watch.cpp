#include "server/upgrade_watch.hpp"

namespace baton {

using std::chrono::duration_cast;
using std::chrono::microseconds;

void upgrade_watch::begin() {
  report_ = {};
  report_.at = std::chrono::system_clock::now();
  asked_ = clock::now();
}

void upgrade_watch::spawned(pid_t child) {
  report_.child = child;
  spawned_ = clock::now();
  report_.spawn = duration_cast<microseconds>(spawned_ - asked_);
}

microseconds upgrade_watch::elapsed() const {
  return duration_cast<microseconds>(clock::now() - asked_);
}

const upgrade_report& upgrade_watch::end(const error_code& outcome) {
  report_.outcome = outcome;
  if (!outcome) report_.reason.clear();
  if (outcome && report_.reason.empty()) report_.reason = outcome.message();
  report_.total = elapsed();
  if (report_.child != 0) report_.start_up = report_.total - report_.spawn;
  for (const auto& each : told_) each(report_);
  return report_;
}

}  // namespace baton

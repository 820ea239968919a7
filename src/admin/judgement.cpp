#include "admin/judgement.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>

#include "baton/base/error.hpp"

namespace baton::admin {

std::string_view to_string(health_status status) noexcept {
  switch (status) {
    case health_status::healthy:
      return "healthy";
    case health_status::degraded:
      return "degraded";
    case health_status::unhealthy:
      return "unhealthy";
  }
  return "unknown";
}

check_result judge(double value, const health_thresholds& limits, std::string_view what) {
  const bool unhealthy = limits.unhealthy > 0 && value > limits.unhealthy;
  const bool degraded = limits.degraded > 0 && value > limits.degraded;
  if (!unhealthy && !degraded) return {.value = value};
  return {.status = unhealthy ? health_status::unhealthy : health_status::degraded,
          .reason = fmt::format("{}; more than {} is {}", what,
                                unhealthy ? limits.unhealthy : limits.degraded,
                                unhealthy ? "unhealthy" : "degraded"),
          .value = value};
}

void verify(const health_thresholds& limits, std::string_view what) {
  const bool off = limits.degraded == 0 && limits.unhealthy == 0;
  if (off || (limits.degraded >= 0 && limits.degraded <= limits.unhealthy)) return;
  throw setup_error{
      fmt::format("admin: the thresholds of the health check '{}' are {} and {}; the first one "
                  "(degraded) must not be negative, nor beyond the second one (unhealthy)",
                  what, limits.degraded, limits.unhealthy)};
}

std::string bytes_text(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> units = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < units.size()) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} bytes", bytes) : fmt::format("{:.1f} {}", value, units[unit]);
}

void error_window::note(time_point now, std::uint64_t answers, std::uint64_t errors,
                        std::chrono::seconds window) {
  marks_.push_back({now, answers, errors});
  while (marks_.size() > 2 && marks_[1].at <= now - window) marks_.pop_front();
}

std::uint64_t error_window::answers() const noexcept {
  return marks_.empty() ? 0 : marks_.back().answers - marks_.front().answers;
}

std::uint64_t error_window::errors() const noexcept {
  return marks_.empty() ? 0 : marks_.back().errors - marks_.front().errors;
}

check_result error_window::judge(const health_options& by) const {
  const auto all = answers();
  if (all == 0 || all < by.error_minimum) return {};
  const auto share = static_cast<double>(errors()) / static_cast<double>(all);
  return admin::judge(share, by.error_rate,
                      fmt::format("{} of {} answers within {} have a status of 5xx", errors(), all,
                                  by.error_window));
}

}  // namespace baton::admin

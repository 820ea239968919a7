#include "figures.hpp"

#include <fmt/format.h>

#include <string_view>

namespace bench {
namespace {

struct quantile {
  std::string_view name;
  double fraction;
};

constexpr quantile quantiles[] = {
    {"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"p99.99", 0.9999}};

double microseconds(std::uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e3; }

}  // namespace

double per_second(std::uint64_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

std::string latency_text(const histogram& latency) {
  std::string text;
  for (const auto& [name, fraction] : quantiles)
    text += fmt::format("{} {:.0f}  ", name, microseconds(latency.percentile(fraction)));
  return text + fmt::format("max {:.0f} us", microseconds(latency.max()));
}

std::string latency_json(const histogram& latency) {
  std::string text = "{";
  for (const auto& [name, fraction] : quantiles)
    text += fmt::format("\"{}\": {:.3f}, ", name, microseconds(latency.percentile(fraction)));
  return text + fmt::format("\"max\": {:.3f}}}", microseconds(latency.max()));
}

std::string pids_json(const pid_list& pids) {
  std::string text = "[";
  const char* separator = "";
  for (const auto& seen : pids.all()) {
    text += fmt::format("{}{{\"pid\": {}, \"answers\": {}, \"first\": {:.6f}, \"last\": {:.6f}}}",
                        separator, seen.pid, seen.answers, static_cast<double>(seen.first) / 1e9,
                        static_cast<double>(seen.last) / 1e9);
    separator = ", ";
  }
  return text + "]";
}

}  // namespace bench

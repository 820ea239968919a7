#include "admin/check_schedule.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "baton/base/error.hpp"

namespace baton::admin {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;

/// Between the first runs of two checks.
constexpr milliseconds stagger{50};

void verify(std::string_view name, const check_options& options) {
  if (options.interval < milliseconds{1} || options.timeout < milliseconds{1})
    throw setup_error{fmt::format(
        "admin: the health check '{}' has an interval of {} and a time-out of {}; both must be at "
        "least 1ms",
        name, options.interval, options.timeout)};
}

}  // namespace

void check_schedule::add(std::string name, admin::check run, check_options options,
                         time_point now) {
  if (name.empty() || run == nullptr)
    throw setup_error{fmt::format(
        "admin: a health check needs a name and something to call; '{}' lacks one", name)};
  verify(name, options);
  std::size_t others = 0;
  for (const auto& each : entries_) {
    if (each.removed) continue;
    ++others;
    if (each.report.name == name)
      throw setup_error{fmt::format(
          "admin: two health checks are called '{}'; give one of them another name", name)};
  }
  entry made;
  made.call = std::move(run);
  made.options = options;
  made.report.name = std::move(name);
  made.report.reason = "not run yet";
  made.due = now + std::min<clock::duration>(stagger * others, options.interval);
  entries_.push_back(std::move(made));
}

void check_schedule::set_options(std::string_view name, check_options options) {
  verify(name, options);
  for (auto& each : entries_) {
    if (each.removed || each.report.name != name) continue;
    each.options = options;
    if (each.now == state::waiting) each.due = std::min(each.due, each.started + options.interval);
  }
}

void check_schedule::remove(std::string_view name) {
  for (auto& each : entries_)
    if (each.report.name == name) each.removed = true;
}

std::vector<check_schedule::start> check_schedule::due(time_point now) {
  std::vector<start> starting;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    auto& each = entries_[i];
    if (each.removed) continue;
    if (each.now == state::running && now >= each.started + each.options.timeout)
      time_out(each, now);
    if (each.now == state::running || now < each.due) continue;
    if (!each.returned) {  // it hangs: another run would hang beside it
      time_out(each, now);
      each.due = now + each.options.interval;
      continue;
    }
    each.now = state::running;
    each.returned = false;
    each.started = now;
    each.due = now + each.options.interval;
    starting.push_back({i, ++each.run, each.call});
  }
  return starting;
}

void check_schedule::time_out(entry& of, time_point now) {
  of.now = state::late;
  of.report.status = health_status::unhealthy;
  of.report.value.reset();
  of.report.took = duration_cast<microseconds>(now - of.started);
  of.report.at = std::chrono::system_clock::now();
  of.report.reason =
      fmt::format("{} within {}", of.returned ? "it did not complete" : "it did not come back",
                  of.options.timeout);
}

std::optional<check_schedule::time_point> check_schedule::next() const {
  std::optional<time_point> soonest;
  for (const auto& each : entries_) {
    if (each.removed) continue;
    const auto at = each.now == state::running ? each.started + each.options.timeout : each.due;
    soonest = soonest ? std::min(*soonest, at) : at;
  }
  return soonest;
}

bool check_schedule::complete(std::size_t index, std::uint64_t run, check_result result,
                              time_point now, std::chrono::system_clock::time_point at) {
  auto& of = entries_.at(index);
  if (of.run != run || of.now != state::running) return false;
  if (now >= of.started + of.options.timeout) {
    time_out(of, now);
    return false;
  }
  of.now = state::waiting;
  of.report.status = result.status;
  of.report.reason = std::move(result.reason);
  of.report.value = result.value;
  of.report.took = duration_cast<microseconds>(now - of.started);
  of.report.at = at;
  return true;
}

void check_schedule::returned(std::size_t index, std::uint64_t run) {
  auto& of = entries_.at(index);
  if (of.run == run) of.returned = true;
}

std::vector<check_report> check_schedule::reports() const {
  std::vector<check_report> all;
  for (const auto& each : entries_)
    if (!each.removed) all.push_back(each.report);
  return all;
}

}  // namespace baton::admin

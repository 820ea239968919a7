// The admin service of the integration tests' program. Key admin: {address, token, allowed, hosts,
// dashboard, unix_mode, health {connections, error_rate, memory, disk, descriptors, loop_lag (each
// [degraded, unhealthy]), error_minimum, error_window_s, disk_paths, interval_ms, timeout_ms},
// checks {name: what it does: "healthy", "degraded", "unhealthy", "throws", "silent" (never
// completes), "hangs" (never returns), "late" (completes behind its time-out), or the path of a
// file that has one of these words in it}, callback_throws (when the status changes), collectables
// {name of a metric: "good", "throws", "throws 7", "hangs"}, config (the text that /config gives),
// reload {status, json}}.
#include "service_admin.hpp"

#include <fmt/format.h>
#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <chrono>
#include <fstream>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "baton/admin/service.hpp"
#include "baton/base/log.hpp"
#include "service_options.hpp"

namespace {

using boost::json::object;
using std::chrono::milliseconds;

std::vector<std::string> texts(const object& from, std::string_view key) {
  std::vector<std::string> found;
  if (const auto* list = from.if_contains(key))
    for (const auto& each : list->as_array()) found.emplace_back(each.as_string());
  return found;
}

void read(const object& from, std::string_view key, baton::admin::health_thresholds& to) {
  if (const auto* found = from.if_contains(key)) {
    const auto& pair = found->as_array();
    to = {pair.at(0).to_number<double>(), pair.at(1).to_number<double>()};
  }
}

baton::admin::health_options health(const object& from) {
  baton::admin::health_options options;
  read(from, "connections", options.connections);
  read(from, "error_rate", options.error_rate);
  read(from, "memory", options.memory);
  read(from, "disk", options.disk);
  read(from, "descriptors", options.descriptors);
  read(from, "loop_lag", options.loop_lag);
  options.error_minimum =
      configuration::number<std::uint64_t>(from, "error_minimum", options.error_minimum);
  options.error_window = std::chrono::seconds{
      configuration::number<std::int64_t>(from, "error_window_s", options.error_window.count())};
  options.disk_paths = texts(from, "disk_paths");
  options.checks.interval = configuration::duration(from, "interval_ms", options.checks.interval);
  options.checks.timeout = configuration::duration(from, "timeout_ms", options.checks.timeout);
  return options;
}

void act(std::string what, const baton::admin::check_completion& done, milliseconds timeout) {
  using baton::admin::health_status;
  if (what.starts_with('/')) {
    std::ifstream file{what};
    file >> what;
  }
  if (what == "throws") throw std::runtime_error{"the database is on fire"};
  if (what == "silent") return;
  if (what == "hangs")
    for (;;) std::this_thread::sleep_for(std::chrono::hours{1});
  if (what == "late") {
    std::this_thread::sleep_for(timeout * 2);
    return done({.reason = "too late to matter"});
  }
  done({.status = what == "healthy"    ? health_status::healthy
                  : what == "degraded" ? health_status::degraded
                                       : health_status::unhealthy,
        .reason = fmt::format("the file says {}", what),
        .value = 42});
}

/// A gauge, and how it is told.
class collectable final : public prometheus::Collectable {
 public:
  collectable(std::string name, std::string what)
      : name_{std::move(name)}, what_{std::move(what)} {}

  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override {
    if (what_ == "throws") throw std::runtime_error{"the queue is on fire"};
    if (what_ == "throws 7") throw 7;
    if (what_ == "hangs")
      for (;;) std::this_thread::sleep_for(std::chrono::hours{1});
    prometheus::MetricFamily made;
    made.name = name_;
    made.help = "Of the program's own.";
    made.type = prometheus::MetricType::Gauge;
    made.metric.emplace_back().gauge.value = 42;
    return {made};
  }

 private:
  std::string name_;
  std::string what_;
};

void add_callbacks(const object& wanted, baton::admin::health& to) {
  const bool throws = wanted.contains("callback_throws");
  if (throws)
    to.on_change([](baton::admin::health_status, const baton::admin::health_report&) {
      throw std::runtime_error{"nobody answers the pager"};
    });
  if (throws) to.on_change([](auto, const auto&) { throw 7; });
  to.on_change([](baton::admin::health_status before, const baton::admin::health_report& now) {
    baton::log_info(
        fmt::format("health changed from {} to {}", to_string(before), to_string(now.status)));
  });
}

}  // namespace

std::unique_ptr<baton::admin::service> add_admin(baton::server& server, baton::http::service& web,
                                                 const object& from) {
  const auto* found = from.if_contains("admin");
  if (found == nullptr) return nullptr;
  const auto& wanted = found->as_object();
  baton::admin::options options;
  options.address = configuration::text(wanted, "address", "127.0.0.1:0");
  options.token = configuration::text(wanted, "token");
  options.allowed = texts(wanted, "allowed");
  options.hosts = texts(wanted, "hosts");
  options.unix_mode = configuration::number<mode_t>(wanted, "unix_mode", options.unix_mode);
  if (const auto* shown = wanted.if_contains("dashboard")) options.dashboard = shown->as_bool();
  if (const auto* checks = wanted.if_contains("health"))
    options.health = health(checks->as_object());
  auto made = std::make_unique<baton::admin::service>(server, options);
  made->watch(web);
  if (const auto* checks = wanted.if_contains("checks"))
    for (const auto& [name, what] : checks->as_object())
      made->health().add(
          name, [what = std::string{what.as_string()}, timeout = options.health.checks.timeout](
                    const auto& done) { act(what, done, timeout); });
  add_callbacks(wanted, made->health());
  if (const auto* all = wanted.if_contains("collectables"))
    for (const auto& [name, what] : all->as_object())
      made->metrics().add(
          std::make_shared<collectable>(std::string{name}, std::string{what.as_string()}));
  baton::admin::controls controls;
  if (wanted.contains("config"))
    controls.config_text = [text = configuration::text(wanted, "config")] { return text; };
  if (const auto* reload = wanted.if_contains("reload"))
    controls.reload = [verdict = reload->as_object()](const auto& done) {
      done({configuration::number<unsigned>(verdict, "status", 200),
            configuration::text(verdict, "json", "{}")});
    };
  made->set_controls(std::move(controls));
  return made;
}

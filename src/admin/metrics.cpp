#include "baton/admin/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <exception>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "admin/collectables.hpp"
#include "admin/crossing_totals.hpp"
#include "admin/families.hpp"
#include "admin/loop_lag.hpp"
#include "admin/metrics_history.hpp"
#include "admin/metrics_options.hpp"
#include "admin/process_figures.hpp"
#include "admin/restart_outcome.hpp"
#include "admin/served_view.hpp"
#include "admin/traffic.hpp"
#include "admin/views.hpp"
#include "baton/admin/health.hpp"
#include "baton/base/error.hpp"
#include "baton/base/log.hpp"
#include "baton/base/log_options.hpp"
#include "baton/server/server.hpp"

namespace baton::admin {
namespace {

constexpr const char* state_key = "baton.metrics";

using clock = std::chrono::steady_clock;
using lineage::phase;

void count_time(totals& in, const std::string& name, std::chrono::nanoseconds took) {
  auto& times = in.times[name];
  times.add(http::durations::bucket_of(took));
  times.add_sum(took);
}

metrics_options verified(metrics_options options) {
  verify(options);
  return options;
}

bool is_name(std::string_view text, bool colons) noexcept {
  const auto good = [&](char each) {
    return (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z') ||
           (each >= '0' && each <= '9') || each == '_' || (colons && each == ':');
  };
  return !text.empty() && !(text.front() >= '0' && text.front() <= '9') &&
         std::all_of(text.begin(), text.end(), good);
}

/// Whether an exposition with it can be read.
bool is_writable(const prometheus::MetricFamily& family) noexcept {
  return is_name(family.name, true) &&
         std::all_of(family.metric.begin(), family.metric.end(), [](const auto& metric) {
           return std::all_of(metric.label.begin(), metric.label.end(),
                              [](const auto& label) { return is_name(label.name, false); });
         });
}

}  // namespace

struct metrics::implementation {
  implementation(server& of, metrics_options wanted);

  void inherit();
  void enter(phase now_in);
  void note(const upgrade_report& report);
  [[nodiscard]] totals count() const;
  [[nodiscard]] figures take() const;
  static void add_foreign(std::vector<prometheus::MetricFamily> found,
                          std::vector<prometheus::MetricFamily>& to);
  [[nodiscard]] boost::json::object gauges() const;

  server& on;
  const bucket_bounds bounds;
  admin::traffic traffic;
  admin::loop_lag lag;

  mutable std::mutex mutex;  // of the next three
  totals seen;               // what is told us instead of counted elsewhere
  metrics_history history;
  phase last_phase = phase::starting;

  mutable collectables foreign;
  const admin::health* checks = nullptr;
  crossing_totals crossing;
  bool measured = false;  // tick's
};

metrics::implementation::implementation(server& of, metrics_options wanted)
    : on{of},
      bounds{std::move(wanted.latency_buckets)},
      lag{of},
      history{wanted.history_step, wanted.history_size},
      crossing{[this] { return count(); }} {
  for (const auto each : restart_outcomes) seen.counts[fmt::format("restarts.{}", each)];
  inherit();
  on.offer_state(state_key, totals::version, [this] { return crossing.hand_over(); });
  on.offer_farewell(state_key, [this] { return crossing.rest(); });
  on.on_farewell(state_key, [this](std::string_view rest) {
    try {
      crossing.add_rest(rest);
    } catch (const std::exception& error) {
      log_error(fmt::format("metrics: what the previous generation counted last is lost: {}",
                            error.what()));
    }
  });
  on.on_phase([this](phase now_in) { enter(now_in); });
  on.on_upgrade([this](const upgrade_report& report) { note(report); });
}

void metrics::implementation::inherit() {
  const auto* blob = on.inherited_state(state_key);
  if (blob == nullptr) return;
  try {
    if (blob->version != totals::version)
      throw setup_error{fmt::format("version {} instead of {}", blob->version, totals::version)};
    crossing.inherit(blob->bytes);
  } catch (const std::exception& error) {
    log_notice(
        fmt::format("metrics: counters begin at 0: what the previous generation handed over "
                    "cannot be read: {}",
                    error.what()));
  }
}

void metrics::implementation::enter(phase now_in) {
  {
    const std::scoped_lock lock{mutex};
    if (last_phase == phase::draining && now_in == phase::serving)
      ++seen.counts["restarts.rolled_back"];
    last_phase = now_in;
  }
  crossing.enter(now_in, clock::now());
  if (now_in != phase::serving) return;
  std::set<std::string, std::less<>> names;
  for (auto& each : on.listeners()) names.insert(std::move(each.name));
  crossing.prune([&](const std::string& listener) { return names.contains(listener); });
}

void metrics::implementation::note(const upgrade_report& report) {
  const std::scoped_lock lock{mutex};
  ++seen.counts[fmt::format("restarts.{}", restart_outcome(report.outcome))];
  if (report.outcome) return;
  count_time(seen, "restart.spawn", report.spawn);
  count_time(seen, "restart.start_up", report.start_up);
  count_time(seen, "restart.total", report.total);
}

/// What this process did.
totals metrics::implementation::count() const {
  totals made;
  {
    const std::scoped_lock lock{mutex};
    made = seen;
  }
  const auto net = on.counters();
  const auto logs = log_counts();
  for (const auto& [name, value] : std::initializer_list<std::pair<const char*, std::uint64_t>>{
           {"accepted", net.accepted},
           {"closed", net.closed},
           {"accept_errors", net.accept_errors},
           {"accept_pauses", net.accept_pauses},
           {"gate_waits", net.gate_waits},
           {"deadlines", net.deadlines},
           {"dropped", net.dropped},
           {"tls_handshakes", net.tls_handshakes},
           {"tls_resumed", net.tls_resumed},
           {"tls_failures", net.tls_failures},
           {"log_written", logs.written},
           {"log_dropped", logs.dropped},
           {"cpu_microseconds", static_cast<std::uint64_t>(process_cpu_time().count())}})
    made.counts[name] = value;
  made.served = traffic.sum();
  return made;
}

figures metrics::implementation::take() const {
  std::vector<open_now> open;
  auto counted = crossing.told(clock::now(), [&](const totals& own) {
    for (const auto& each : own.served.listeners)
      open.push_back({each.listener, each.http2_streams_opened - each.http2_streams_closed,
                      each.websockets_opened - each.websockets_closed});
  });
  return {.counted = std::move(counted),
          .open = std::move(open),
          .listeners = on.listeners(),
          .process = process_figures::take(),
          .health = checks != nullptr ? std::optional{checks->current()} : std::nullopt,
          .generation = on.generation(),
          .phase = on.phase(),
          .version = BATON_VERSION};
}

/// Families of the program's own, as far as they do not make the whole exposition invalid, as one
/// would that takes the name of another.
void metrics::implementation::add_foreign(std::vector<prometheus::MetricFamily> found,
                                          std::vector<prometheus::MetricFamily>& to) {
  if (found.empty()) return;
  std::set<std::string, std::less<>> names;
  for (const auto& each : to) names.insert(each.name);
  for (auto& family : found) {
    if (!is_writable(family))
      log_error(
          fmt::format("metrics: a collectable of the program told a family that Prometheus would "
                      "refuse, '{}': mend its name, or those of its labels",
                      family.name));
    else if (names.insert(family.name).second)
      to.push_back(std::move(family));
  }
}

boost::json::object metrics::implementation::gauges() const {
  const auto process = process_figures::take();
  return {{"connections", on.connections()},
          {"resident_bytes", process.resident_bytes},
          {"open_descriptors", process.open_descriptors},
          {"loop_lag_seconds", lag.worst().count()}};
}

metrics::metrics(server& of, metrics_options options)
    : self_{std::make_unique<implementation>(of, verified(std::move(options)))} {}

metrics::~metrics() = default;

void metrics::watch(const http::service& requests) { self_->traffic.watch(requests); }

void metrics::watch(const admin::health& checks) { self_->checks = &checks; }

void metrics::add(std::shared_ptr<prometheus::Collectable> more) {
  self_->foreign.add(std::move(more));
}

void metrics::end() noexcept { self_->foreign.end(); }

void metrics::update(const metrics_options& options) {
  verify(options);
  const std::scoped_lock lock{self_->mutex};
  self_->history.resize(options.history_step, options.history_size);
}

std::vector<prometheus::MetricFamily> metrics::collect() const {
  auto found = self_->foreign.collect(patience);  // first, since it may take its time
  auto made = families(self_->take(), self_->bounds);
  implementation::add_foreign(std::move(found), made);
  return made;
}

void metrics::tick() {
  auto& self = *self_;
  if (std::exchange(self.measured, true)) {
    const auto worst = std::chrono::duration_cast<std::chrono::nanoseconds>(self.lag.worst());
    const std::scoped_lock lock{self.mutex};
    count_time(self.seen, "loop_lag", worst);
  }
  const auto now = clock::now();
  {
    const std::scoped_lock lock{self.mutex};
    if (!self.history.due(now)) return self.lag.measure();
  }
  const auto counted = self.count();
  auto gauges = self.gauges();
  self.lag.measure();
  const std::scoped_lock lock{self.mutex};
  self.history.take(counted, std::move(gauges), now, std::chrono::system_clock::now());
}

bool metrics::handed_over() const noexcept { return self_->crossing.handed_over(); }

std::string metrics::json(bool with_history) const {
  namespace json = boost::json;
  const auto& self = *self_;
  const auto found = self.take();
  const auto own = self.count();
  auto made = identity(self.on);
  made["timestamp"] = timestamp(std::chrono::system_clock::now());
  for (auto& [key, value] : self.gauges()) made[key] = std::move(value);
  json::object counters;
  for (const auto& [name, value] : found.counted.counts) counters[name] = value;
  made["counters"] = std::move(counters);
  json::object times;
  for (const auto& [name, value] : found.counted.times) times[name] = percentiles(value);
  made["times"] = std::move(times);
  json::array listeners;
  for (const auto& each : found.listeners) {
    auto one = view(each);
    if (const auto* served = found.counted.served.find(each.name); served != nullptr)
      one["served"] = view(*served);
    listeners.push_back(std::move(one));
  }
  made["listeners"] = std::move(listeners);
  const std::scoped_lock lock{self.mutex};
  made["now"] = self.history.since(own, clock::now());
  if (with_history) made["history"] = self.history.samples();
  return json::serialize(made);
}

}  // namespace baton::admin

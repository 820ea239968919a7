#include "admin/families.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <map>
#include <utility>

#include "admin/restart_outcome.hpp"
#include "baton/http/method.hpp"

namespace baton::admin {
namespace {

using http::durations;
using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

constexpr double nanoseconds = 1e9;

class family {
 public:
  family(std::vector<MetricFamily>& in, std::string_view name, std::string_view help,
         MetricType type)
      : all_{in} {
    made_.name = name;
    made_.help = help;
    made_.type = type;
  }
  family(const family&) = delete;
  family& operator=(const family&) = delete;
  ~family() { all_.push_back(std::move(made_)); }

  void reserve(std::size_t size) { made_.metric.reserve(size); }
  void add(labels with, double value) {
    auto& metric = next(with);
    (made_.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  }
  void add(labels with, std::uint64_t value) { add(with, static_cast<double>(value)); }
  void add(labels with, ClientMetric::Histogram counted) {
    next(with).histogram = std::move(counted);
  }

 private:
  ClientMetric& next(labels with) {
    auto& metric = made_.metric.emplace_back();
    metric.label.reserve(with.size());
    for (const auto& [name, value] : with)
      metric.label.push_back({std::string{name}, std::string{value}});
    return metric;
  }

  std::vector<MetricFamily>& all_;
  MetricFamily made_;
};

/// The families, one room after the other.
class builder {
 public:
  builder(const figures& from, const bucket_bounds& bounds) : from_{from}, bounds_{bounds} {
    // Inherited figures of a listener that is no more are not told.
    for (const auto& each : from.listeners)
      if (const auto* found = from.counted.served.find(each.name); found != nullptr)
        served_.push_back(found);
  }

  std::vector<MetricFamily> build() {
    about();
    connections();
    listeners();
    requests();
    http2();
    websockets();
    restarts();
    health();
    loops_and_logs();
    process();
    return std::move(all_);
  }

 private:
  family counter(std::string_view name, std::string_view help) {
    return {all_, name, help, MetricType::Counter};
  }
  family gauge(std::string_view name, std::string_view help) {
    return {all_, name, help, MetricType::Gauge};
  }
  family histogram(std::string_view name, std::string_view help) {
    return {all_, name, help, MetricType::Histogram};
  }
  [[nodiscard]] std::uint64_t count(std::string_view name) const noexcept {
    return from_.counted.count(name);
  }
  void plain(std::string_view name, std::string_view help, std::string_view counted) {
    counter(name, help).add({}, count(counted));
  }
  template <class Get>
  void each_served(family to, Get get) {
    to.reserve(served_.size());
    for (const auto* each : served_) to.add({{"listener", each->listener}}, get(*each));
  }
  template <class Get>
  void each_listener(family to, Get get) {
    to.reserve(from_.listeners.size());
    for (const auto& each : from_.listeners) to.add({{"listener", each.name}}, get(each));
  }
  /// What is open now: of this process alone.
  template <class Get>
  void each_open(family to, Get get) {
    for (const auto& each : from_.open) to.add({{"listener", each.listener}}, get(each));
  }

  void about();
  void connections();
  void listeners();
  void requests();
  void http2();
  void websockets();
  void restarts();
  void health();
  void loops_and_logs();
  void process();

  const figures& from_;
  const bucket_bounds& bounds_;
  std::vector<const http::listener_statistics*> served_;
  std::vector<MetricFamily> all_;
};

void builder::about() {
  gauge("baton_build_info", "The version of baton and the compiler it was built with; always 1.")
      .add({{"version", from_.version}, {"compiler", __VERSION__}}, std::uint64_t{1});
  gauge("baton_generation", "The number of this process among the generations of its service.")
      .add({}, std::uint64_t{from_.generation});
  auto phases = gauge("baton_phase", "Where this generation stands in its life: 1 for its phase.");
  using lineage::phase;
  for (const auto each : {phase::starting, phase::serving, phase::upgrading, phase::announcing,
                          phase::draining, phase::stopped})
    phases.add({{"phase", to_string(each)}}, std::uint64_t{each == from_.phase});
}

void builder::connections() {
  plain("baton_connections_accepted_total", "Connections taken from a listener.", "accepted");
  plain("baton_connections_closed_total", "Connections gone, for whatever reason.", "closed");
  {
    auto rejected = counter("baton_connections_rejected_total",
                            "Connections that no service saw: accept(2) failed, or TLS did.");
    rejected.add({{"reason", "accept"}}, count("accept_errors"));
    rejected.add({{"reason", "tls"}}, count("tls_failures"));
  }
  {
    auto pauses = counter("baton_accept_pauses_total",
                          "Times a listener rested: at its cap, or because the system had no more "
                          "descriptors or memory. Clients wait in the backlog meanwhile.");
    pauses.add({{"reason", "cap"}}, count("gate_waits"));
    pauses.add({{"reason", "system"}}, count("accept_pauses"));
  }
  plain("baton_connections_timed_out_total", "Connections closed because a deadline passed.",
        "deadlines");
  plain("baton_connections_dropped_total", "Connections dropped at the drain deadline.", "dropped");
  auto handshakes = counter("baton_tls_handshakes_total", "TLS handshakes, by how they went.");
  const auto all = count("tls_handshakes");
  const auto resumed = count("tls_resumed");
  handshakes.add({{"result", "full"}}, all - std::min(all, resumed));
  handshakes.add({{"result", "resumed"}}, resumed);
  handshakes.add({{"result", "failed"}}, count("tls_failures"));
}

void builder::listeners() {
  each_listener(gauge("baton_connections_active", "Connections open now."),
                [](const auto& of) { return std::uint64_t{of.connections}; });
  each_listener(gauge("baton_connections_max", "Connections that may be open at once."),
                [](const auto& of) { return std::uint64_t{of.max_connections}; });
  each_listener(
      gauge("baton_gate_waiting", "Loops held back at the gate because the cap is reached."),
      [](const auto& of) { return std::uint64_t{of.waiting}; });
  each_listener(gauge("baton_listener_accepting", "Whether this process accepts connections here."),
                [](const auto& of) { return std::uint64_t{of.accepting}; });
}

void builder::requests() {
  {
    auto answered = counter("baton_http_requests_total",
                            "Requests by method and class of the answer's status; aborted: the "
                            "client left or took the request back before any answer.");
    for (const auto* each : served_)
      for (std::size_t method = 0; method < each->requests.size(); ++method)
        for (std::size_t outcome = 0; outcome < each->requests[method].size(); ++outcome) {
          const auto value = each->requests[method][outcome];
          if (value == 0) continue;
          answered.add({{"listener", each->listener},
                        {"method", method < http::method_count ? http::method_names[method]
                                                               : std::string_view{"other"}},
                        {"code", http::request_outcome_names[outcome]}},
                       value);
        }
  }
  {
    auto latency = histogram("baton_http_request_duration_seconds",
                             "From a request's first byte to its answer, or to the head of an "
                             "answer that is streamed.");
    latency.reserve(served_.size());
    for (const auto* each : served_)
      latency.add({{"listener", each->listener}}, bounds_.fold(each->latency));
  }
  each_served(counter("baton_http_received_bytes_total", "Received from clients, without TLS."),
              [](const auto& of) { return of.bytes_in; });
  each_served(counter("baton_http_sent_bytes_total", "Sent to clients, without TLS."),
              [](const auto& of) { return of.bytes_out; });
}

void builder::http2() {
  each_served(counter("baton_http2_streams_total", "Streams of HTTP/2 that clients opened."),
              [](const auto& of) { return of.http2_streams_opened; });
  each_open(gauge("baton_http2_streams_open", "Streams of HTTP/2 that are open now."),
            [](const auto& of) { return of.http2_streams; });
}

void builder::websockets() {
  each_served(counter("baton_websockets_total", "WebSockets that were opened."),
              [](const auto& of) { return of.websockets_opened; });
  each_open(gauge("baton_websockets_open", "WebSockets that are open now."),
            [](const auto& of) { return of.websockets; });
  auto messages = counter("baton_websocket_messages_total", "Messages of WebSockets.");
  messages.reserve(2 * served_.size());
  for (const auto* each : served_) {
    messages.add({{"listener", each->listener}, {"direction", "received"}},
                 each->websocket_messages_in);
    messages.add({{"listener", each->listener}, {"direction", "sent"}},
                 each->websocket_messages_out);
  }
}

void builder::restarts() {
  {
    // Each outcome from the beginning: rates need its 0. Another version may have handed over more.
    constexpr std::string_view prefix = "restarts.";
    std::map<std::string_view, std::uint64_t> counted;
    for (const auto each : restart_outcomes) counted[each] = 0;
    for (const auto& [name, value] : from_.counted.counts)
      if (name.starts_with(prefix)) counted[std::string_view{name}.substr(prefix.size())] = value;
    auto outcomes = counter("baton_restarts_total", "Attempts to bring up the next generation.");
    for (const auto& [outcome, value] : counted) outcomes.add({{"outcome", outcome}}, value);
  }
  auto phases = histogram("baton_restart_phase_duration_seconds",
                          "How long restarts took: the spawn, the start-up of the next "
                          "generation until it was ready, and both.");
  for (const std::string_view each : {"spawn", "start_up", "total"}) {
    const auto found = from_.counted.times.find("restart." + std::string{each});
    const auto took = found != from_.counted.times.end() ? found->second : durations{};
    phases.add({{"phase", each}}, bounds_.fold(took));
  }
}

void builder::health() {
  if (!from_.health) return;
  constexpr std::array all{health_status::healthy, health_status::degraded,
                           health_status::unhealthy};
  {
    auto whole =
        gauge("baton_health_status", "How the service is, the worst of its checks: 1 for it.");
    for (const auto each : all)
      whole.add({{"status", to_string(each)}}, std::uint64_t{each == from_.health->status});
  }
  auto checks = gauge("baton_health_check_status", "What each check said last: 1 for it.");
  checks.reserve(all.size() * from_.health->checks.size());
  for (const auto& check : from_.health->checks)
    for (const auto each : all)
      checks.add({{"check", check.name}, {"status", to_string(each)}},
                 std::uint64_t{each == check.status});
}

void builder::loops_and_logs() {
  if (const auto found = from_.counted.times.find("loop_lag"); found != from_.counted.times.end())
    histogram("baton_event_loop_lag_seconds",
              "How long a task waited for its turn, on the busiest loop, once a second.")
        .add({}, bounds_.fold(found->second));
  plain("baton_log_lines_total", "Lines written to the log.", "log_written");
  plain("baton_log_lines_dropped_total", "Lines that the log's sink was too slow for.",
        "log_dropped");
}

void builder::process() {
  const auto& now = from_.process;
  counter("process_cpu_seconds_total",
          "User and system time of this process and of the generations before it.")
      .add({}, static_cast<double>(count("cpu_microseconds")) / 1e6);
  gauge("process_resident_memory_bytes", "Memory that is resident.").add({}, now.resident_bytes);
  gauge("process_virtual_memory_bytes", "Address space in use.").add({}, now.virtual_bytes);
  gauge("process_open_fds", "Descriptors that are open.").add({}, now.open_descriptors);
  gauge("process_max_fds", "Descriptors that may be open.").add({}, now.max_descriptors);
  gauge("process_threads", "Threads of this process.").add({}, now.threads);
  gauge("process_start_time_seconds", "When this process started, since the epoch.")
      .add({}, now.started.count());
}

}  // namespace

bucket_bounds::bucket_bounds(std::vector<double> seconds) : seconds_{std::move(seconds)} {
  for (std::size_t i = 0; i < durations::bucket_count; ++i) {
    const auto bound = durations::upper_bound(i);
    const auto last = i + 1 == durations::bucket_count;
    const auto at = std::find_if(seconds_.begin(), seconds_.end(), [&](double each) {
      return !last && static_cast<double>(bound.count()) <= each * nanoseconds * (1 + 1e-9);
    });
    place_of_.push_back(static_cast<std::size_t>(at - seconds_.begin()));
  }
}

ClientMetric::Histogram bucket_bounds::fold(const durations& what) const {
  ClientMetric::Histogram made;
  made.bucket.resize(seconds_.size());
  for (std::size_t i = 0; i < durations::bucket_count; ++i) {
    made.sample_count += what[i];
    if (place_of_[i] < made.bucket.size()) made.bucket[place_of_[i]].cumulative_count += what[i];
  }
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < seconds_.size(); ++i) {
    below += made.bucket[i].cumulative_count;
    made.bucket[i] = {below, seconds_[i]};
  }
  made.sample_sum = static_cast<double>(what.sum().count()) / nanoseconds;
  return made;
}

std::vector<MetricFamily> families(const figures& from, const bucket_bounds& bounds) {
  return builder{from, bounds}.build();
}

}  // namespace baton::admin

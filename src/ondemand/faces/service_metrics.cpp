#include "ondemand/faces/service_metrics.hpp"

#include <array>
#include <string>
#include <string_view>

namespace baton::ondemand {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr std::array states{service_state::stopped,  service_state::starting,
                            service_state::ready,    service_state::draining,
                            service_state::stopping, service_state::failed};

MetricFamily family(std::string_view name, std::string_view help, MetricType type) {
  MetricFamily made;
  made.name = name;
  made.help = help;
  made.type = type;
  return made;
}

ClientMetric& add(MetricFamily& to, const std::string& service) {
  auto& made = to.metric.emplace_back();
  made.label.push_back({"service", service});
  return made;
}

ClientMetric::Histogram fold(const start_times& of) {
  constexpr double in_a_second = 1e6;
  ClientMetric::Histogram made;
  for (std::size_t i = 0; i < of.counts.size(); ++i) {
    made.sample_count += of.counts[i];
    if (i < start_times::bounds.size())
      made.bucket.push_back({made.sample_count, start_times::bounds[i]});
  }
  made.sample_sum = static_cast<double>(of.sum.count()) / in_a_second;
  return made;
}

}  // namespace

std::vector<MetricFamily> service_metrics::Collect() const {
  auto state =
      family("baton_service_state", "Where a service stands: 1 for its state.", MetricType::Gauge);
  auto open = family("baton_service_open_requests",
                     "Requests, event streams and WebSockets that are open on it, in this process.",
                     MetricType::Gauge);
  auto waiting =
      family("baton_service_waiting_requests",
             "Requests that wait for it to be ready, in this process.", MetricType::Gauge);
  auto starts =
      family("baton_service_starts_total", "How often it was started.", MetricType::Counter);
  auto failures = family("baton_service_failures_total",
                         "How often it did not come up, or ended by itself, or could not be ended.",
                         MetricType::Counter);
  auto times = family("baton_service_start_seconds",
                      "From the beginning of a start until it was ready.", MetricType::Histogram);
  for (const auto& each : journal_->services()) {
    const auto now = each->state();
    for (const auto one : states) {
      auto& made = add(state, each->service());
      made.label.push_back({"state", std::string{to_string(one)}});
      made.gauge.value = one == now ? 1 : 0;
    }
    const auto counted = each->counted();
    add(open, each->service()).gauge.value = static_cast<double>(each->open());
    add(waiting, each->service()).gauge.value = static_cast<double>(each->waiting());
    add(starts, each->service()).counter.value = static_cast<double>(counted.starts);
    add(failures, each->service()).counter.value = static_cast<double>(counted.failures);
    add(times, each->service()).histogram = fold(counted.times);
  }
  return {std::move(state),  std::move(open),     std::move(waiting),
          std::move(starts), std::move(failures), std::move(times)};
}

}  // namespace baton::ondemand

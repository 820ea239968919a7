#pragma once

#include <prometheus/metric_family.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/process_figures.hpp"
#include "admin/totals.hpp"
#include "baton/admin/health_report.hpp"
#include "baton/http/durations.hpp"
#include "baton/lineage/phase.hpp"
#include "baton/server/listener_status.hpp"

namespace baton::admin {

/// The upper bounds of classic histogram buckets, and which of them holds what.
class bucket_bounds {
 public:
  /// Ascending.
  explicit bucket_bounds(std::vector<double> seconds);
  [[nodiscard]] prometheus::ClientMetric::Histogram fold(const http::durations& what) const;

 private:
  std::vector<double> seconds_;
  std::vector<std::size_t> place_of_;  // by bucket of http::durations
};

/// What is open at one listener, beside its connections.
struct open_now {
  std::string listener;
  std::uint64_t http2_streams = 0;
  std::uint64_t websockets = 0;
};

/// What metrics are made of.
struct figures {
  totals counted;              ///< of all generations
  std::vector<open_now> open;  ///< in this one
  std::vector<listener_status> listeners;
  process_figures process;
  std::optional<health_report> health = {};
  std::uint32_t generation = 1;
  lineage::phase phase = lineage::phase::starting;
  std::string_view version;
};

/// As Prometheus' families, named by its conventions.
[[nodiscard]] std::vector<prometheus::MetricFamily> families(const figures& from,
                                                             const bucket_bounds& bounds);

}  // namespace baton::admin

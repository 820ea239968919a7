#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <memory>
#include <utility>
#include <vector>

#include "ondemand/journal/journal.hpp"

namespace baton::ondemand {

/// What services do, for Prometheus: a series for each service of the configuration, and no more.
/// Counters go on over restarts of the gateway. Thread-safe.
class service_metrics final : public prometheus::Collectable {
 public:
  explicit service_metrics(std::shared_ptr<const journal> of) noexcept : journal_{std::move(of)} {}
  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  std::shared_ptr<const journal> journal_;
};

}  // namespace baton::ondemand

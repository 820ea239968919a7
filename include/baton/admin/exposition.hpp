#pragma once

#include <prometheus/metric_family.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace baton::admin {

/// How metrics are written down for who collects them.
enum class exposition : std::uint8_t {
  prometheus,  ///< Prometheus' text format 0.0.4
  openmetrics  ///< OpenMetrics 1.0.0
};

/// The Content-Type of each.
[[nodiscard]] std::string_view content_type(exposition format) noexcept;

/// What a collector accepts, by its Accept field (RFC 9110 section 12.5.1): OpenMetrics if it is
/// named and no less wanted than plain text, else Prometheus' text.
[[nodiscard]] exposition negotiate(std::string_view accept) noexcept;

/// Writes families down. Counters are called `x_total` in both formats, whichever way the family
/// spells its name; OpenMetrics is told the unit that a name ends in, and `# EOF`. A family without
/// a metric is left out. Numbers are written so that they read back as the same number.
[[nodiscard]] std::string write(const std::vector<prometheus::MetricFamily>& families,
                                exposition format);

}  // namespace baton::admin

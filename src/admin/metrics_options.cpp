#include "admin/metrics_options.hpp"

#include <fmt/format.h>

#include "baton/base/error.hpp"

namespace baton::admin {

void verify(const metrics_options& options) {
  if (options.history_step < std::chrono::seconds{1} || options.history_size < 1)
    throw setup_error{fmt::format(
        "admin: the history of the metrics has a step of {} s and {} samples; both must be at "
        "least 1",
        options.history_step.count(), options.history_size)};
  const auto& buckets = options.latency_buckets;
  if (buckets.empty() || buckets.size() > metrics_options::most_buckets)
    throw setup_error{fmt::format("admin: there are {} latency buckets; 1 to {} must be given",
                                  buckets.size(), metrics_options::most_buckets)};
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    if (!(buckets[i] >= metrics_options::shortest_bucket &&
          buckets[i] <= metrics_options::longest_bucket))
      throw setup_error{fmt::format(
          "admin: the latency bucket of {} s is out of range; allowed: {:.6f} to {} s", buckets[i],
          metrics_options::shortest_bucket, metrics_options::longest_bucket)};
    if (i > 0 && buckets[i] <= buckets[i - 1])
      throw setup_error{
          fmt::format("admin: the latency bucket of {} s stands behind that of {} s; each must be "
                      "greater than the one before",
                      buckets[i], buckets[i - 1])};
  }
}

}  // namespace baton::admin

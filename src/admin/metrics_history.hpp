#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "admin/totals.hpp"

namespace baton::admin {

/// Samples of what a process does, one each `step`, the latest kept. One thread at a time.
class metrics_history {
 public:
  using clock = std::chrono::steady_clock;

  metrics_history(std::chrono::seconds step, std::size_t size) : step_{step}, size_{size} {}

  /// Another distance, from the last sample on, and another number of samples to keep.
  void resize(std::chrono::seconds step, std::size_t size);

  /// Whether it is time for the next one.
  [[nodiscard]] bool due(clock::time_point now) const noexcept { return !last_ || now >= next_; }
  /// `counted`: what the process did so far; `gauges`: what else belongs into the sample.
  void take(const totals& counted, boost::json::object gauges, clock::time_point now,
            std::chrono::system_clock::time_point at);
  /// What happened since the last sample: rates a second, and percentiles.
  [[nodiscard]] boost::json::object since(const totals& counted, clock::time_point now) const;
  [[nodiscard]] const boost::json::array& samples() const noexcept { return samples_; }

 private:
  struct sums {
    std::uint64_t requests = 0;
    std::uint64_t errors = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::uint64_t accepted = 0;
    std::uint64_t cpu_microseconds = 0;
    http::durations latency;
  };
  static sums sum(const totals& of);
  void forget_oldest();

  std::chrono::seconds step_;
  std::size_t size_;
  std::optional<sums> last_;
  clock::time_point taken_;
  clock::time_point next_;
  boost::json::array samples_;
};

}  // namespace baton::admin

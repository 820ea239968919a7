#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace baton::ondemand {

/// How long the starts of a service took, from the first step until it was ready, in buckets.
struct start_times {
  /// Upper bounds, in seconds; the last bucket is for what took longer.
  static constexpr std::array bounds{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                     0.5,   1.0,    2.5,   5.0,  10.0,  30.0, 60.0};

  std::array<std::uint64_t, bounds.size() + 1> counts{};
  std::chrono::microseconds sum{0};

  void add(std::chrono::microseconds took) noexcept {
    constexpr double in_a_second = 1e6;
    std::size_t at = 0;
    while (at < bounds.size() && static_cast<double>(took.count()) > bounds[at] * in_a_second) ++at;
    ++counts[at];
    sum += took;
  }
  start_times& operator+=(const start_times& other) noexcept {
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
    sum += other.sum;
    return *this;
  }
};

}  // namespace baton::ondemand

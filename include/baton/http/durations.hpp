#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace baton::http {

/// How long things took, counted in buckets.
///
/// Invariants: from 1 us to 100 s the bounds of a bucket are at most 12.5 % apart, so that a
/// quantile is off by no more than 6 %; each decade is divided in the same way, at 1, 1.1 ... 2,
/// 2.25 ... 5, 5.5 ... 10 times its beginning, and what took exactly as long as a bound belongs
/// below it. Two counts add up bucket by bucket.
class durations {
 public:
  using nanoseconds = std::chrono::nanoseconds;

  static constexpr std::size_t decades = 8;
  static constexpr std::size_t decade_size = 32;
  /// One more below 1 us, and one beyond 100 s.
  static constexpr std::size_t bucket_count = decades * decade_size + 2;

  [[nodiscard]] static std::size_t bucket_of(nanoseconds took) noexcept {
    if (took <= shortest) return 0;
    if (took > longest) return bucket_count - 1;
    const auto steps = static_cast<std::uint32_t>((took.count() - 1) / step);
    std::size_t decade = 0;
    while (steps >= decade_begin[decade + 1]) ++decade;
    const auto within = steps / (decade_begin[decade] / steps_to_shortest) - steps_to_shortest;
    return 1 + decade * decade_size + places[within];
  }
  /// nanoseconds::max() for the last one.
  [[nodiscard]] static nanoseconds upper_bound(std::size_t bucket) noexcept;

  void add(std::size_t bucket, std::uint64_t how_many = 1);
  void add_sum(nanoseconds all) noexcept { sum_ += all; }
  durations& operator+=(const durations& other);
  /// What came since `earlier`, an older state of the same count.
  durations& operator-=(const durations& earlier);

  [[nodiscard]] std::uint64_t count() const noexcept;
  [[nodiscard]] nanoseconds sum() const noexcept { return sum_; }
  /// Of one bucket.
  [[nodiscard]] std::uint64_t operator[](std::size_t bucket) const noexcept {
    return bucket < counts_.size() ? counts_[bucket] : 0;
  }
  /// How many took no longer; exact if `bound` is a bound of a bucket (1, 2, 2.5, 5, 7.5 times a
  /// power of ten, say), else of the next lower one.
  [[nodiscard]] std::uint64_t at_most(nanoseconds bound) const noexcept;
  /// `part` from 0 to 1: 0.99 is what 99 % did not exceed. Zero if nothing was counted.
  [[nodiscard]] nanoseconds quantile(double part) const noexcept;

 private:
  static constexpr nanoseconds shortest{1'000};
  static constexpr nanoseconds longest{100'000'000'000};
  static constexpr std::int64_t step = 50;
  static constexpr std::uint32_t steps_to_shortest = 20;
  // In steps.
  static constexpr std::array<std::uint32_t, decades + 1> decade_begin = {
      20, 200, 2'000, 20'000, 200'000, 2'000'000, 20'000'000, 200'000'000, 2'000'000'000};
  static constexpr auto places = [] {
    std::array<std::uint8_t, 180> found{};
    for (std::size_t i = 0; i < found.size(); ++i)
      found[i] = static_cast<std::uint8_t>(i < 20   ? i / 2
                                           : i < 80 ? 10 + (i - 20) / 5
                                                    : 22 + (i - 80) / 10);
    return found;
  }();

  std::vector<std::uint64_t> counts_;  // empty, or one for each bucket
  nanoseconds sum_{0};
};

}  // namespace baton::http

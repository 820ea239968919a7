#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace bench {

namespace buckets {
inline constexpr unsigned bits = 7;
inline constexpr std::uint64_t per_octave = 1U << bits;
inline constexpr std::uint64_t limit = std::uint64_t{1} << 40;

constexpr std::size_t of(std::uint64_t value) noexcept {
  if (value < 2 * per_octave) return value;
  const auto shift = static_cast<unsigned>(std::bit_width(value)) - bits - 1;
  return shift * per_octave + (value >> shift);
}
constexpr std::uint64_t middle(std::size_t bucket) noexcept {
  if (bucket < 2 * per_octave) return bucket;
  const auto shift = bucket / per_octave - 1;
  return ((bucket - shift * per_octave) << shift) + (std::uint64_t{1} << shift) / 2;
}

static_assert(of(255) == 255 && of(256) == 256 && of(511) == 383);
static_assert(of(middle(300)) == 300 && of(middle(3000)) == 3000);
}  // namespace buckets

/// Latencies in nanoseconds, in buckets that are exact below 256 ns and at most 0.8 % wide above
/// (128 buckets an octave), up to 18 minutes. Recording is one increment; histograms add up.
class histogram {
 public:
  void record(std::int64_t nanoseconds) noexcept {
    const auto value = nanoseconds < 0 ? 0 : static_cast<std::uint64_t>(nanoseconds);
    ++buckets_[buckets::of(value < buckets::limit ? value : buckets::limit - 1)];
    ++count_;
    if (value > max_) max_ = value;
  }

  void add(const histogram& other) noexcept {
    for (std::size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
    count_ += other.count_;
    if (other.max_ > max_) max_ = other.max_;
  }

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::uint64_t max() const noexcept { return max_; }

  /// The smallest recorded value (the middle of its bucket) that `fraction` of all do not exceed.
  [[nodiscard]] std::uint64_t percentile(double fraction) const noexcept {
    if (count_ == 0) return 0;
    const auto exact = fraction * static_cast<double>(count_);
    auto rank = static_cast<std::uint64_t>(exact);
    if (static_cast<double>(rank) < exact || rank == 0) ++rank;
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      seen += buckets_[i];
      if (seen >= rank) return std::min(buckets::middle(i), max_);
    }
    return max_;
  }

 private:
  std::array<std::uint64_t, buckets::of(buckets::limit - 1) + 1> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace bench

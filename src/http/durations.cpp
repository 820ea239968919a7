#include "baton/http/durations.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace baton::http {

durations::nanoseconds durations::upper_bound(std::size_t bucket) noexcept {
  if (bucket == 0) return shortest;
  if (bucket >= bucket_count - 1) return nanoseconds::max();
  const auto decade = (bucket - 1) / decade_size;
  const auto place = (bucket - 1) % decade_size;
  const auto twentieths = place < 10   ? 22 + 2 * place
                          : place < 22 ? 45 + 5 * (place - 10)
                                       : 110 + 10 * (place - 22);
  return nanoseconds{
      static_cast<std::int64_t>(decade_begin[decade] / steps_to_shortest * twentieths) * step};
}

void durations::add(std::size_t bucket, std::uint64_t how_many) {
  if (counts_.empty()) counts_.resize(bucket_count);
  counts_[bucket] += how_many;
}

durations& durations::operator+=(const durations& other) {
  if (counts_.empty()) {
    counts_ = other.counts_;
  } else {
    for (std::size_t i = 0; i < other.counts_.size(); ++i) counts_[i] += other.counts_[i];
  }
  sum_ += other.sum_;
  return *this;
}

durations& durations::operator-=(const durations& earlier) {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] -= std::min(counts_[i], earlier[i]);
  sum_ -= std::min(sum_, earlier.sum_);
  return *this;
}

std::uint64_t durations::count() const noexcept {
  return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
}

std::uint64_t durations::at_most(nanoseconds bound) const noexcept {
  std::uint64_t found = 0;
  for (std::size_t i = 0; i < counts_.size() && upper_bound(i) <= bound; ++i) found += counts_[i];
  return found;
}

/// Within a bucket the value whose relative distance to both bounds is the same.
durations::nanoseconds durations::quantile(double part) const noexcept {
  const auto all = count();
  if (all == 0) return nanoseconds{0};
  const auto rank = std::clamp<std::uint64_t>(
      static_cast<std::uint64_t>(std::ceil(part * static_cast<double>(all))), 1, all);
  std::size_t bucket = 0;
  for (std::uint64_t seen = counts_[0]; seen < rank; seen += counts_[++bucket]) {
  }
  if (bucket == 0) return shortest;
  const auto from = static_cast<double>(upper_bound(bucket - 1).count());
  if (bucket == bucket_count - 1) return longest;
  const auto to = static_cast<double>(upper_bound(bucket).count());
  return nanoseconds{std::llround(2 * from * to / (from + to))};
}

}  // namespace baton::http

#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace baton::http::engine {

/// So many at once, and so many more each second.
class token_bucket {
 public:
  token_bucket(std::uint32_t most, std::uint32_t per_second) noexcept
      : most_{std::int64_t{most} * unit}, left_{most_}, per_second_{per_second} {}

  /// False if there is none left.
  [[nodiscard]] bool take() noexcept {
    left_ -= unit;
    return left_ >= 0;
  }
  void give(std::int64_t tokens) noexcept { left_ = std::min(most_, left_ + tokens * unit); }
  void pass(std::chrono::milliseconds time) noexcept {
    // A day fills every bucket; more of it would not fit into the product.
    const auto counted = std::min<std::int64_t>(time.count(), 86'400'000);
    left_ = std::min(most_, left_ + counted * per_second_);
  }

 private:
  static constexpr std::int64_t unit = 1000;
  std::int64_t most_;
  std::int64_t left_;
  std::int64_t per_second_;
};

}  // namespace baton::http::engine

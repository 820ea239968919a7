#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "baton/http/durations.hpp"
#include "baton/http/statistics.hpp"

namespace baton::admin {

/// Everything that is counted and only ever grows: what crosses a restart.
struct totals {
  /// Of the text that `text` writes; another one is not read.
  static constexpr std::uint32_t version = 1;

  std::map<std::string, std::uint64_t, std::less<>> counts;
  std::map<std::string, http::durations, std::less<>> times;
  http::statistics served;

  [[nodiscard]] std::uint64_t count(std::string_view name) const noexcept;

  totals& operator+=(const totals& other);
  /// What came since `earlier`, an older state of the same.
  totals& operator-=(const totals& earlier);

  [[nodiscard]] std::string text() const;
  /// Throws std::exception if `text` is not what `text()` writes.
  [[nodiscard]] static totals parse(std::string_view text);
};

}  // namespace baton::admin

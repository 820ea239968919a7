#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace baton::config {

/// Why a text cannot be a configuration, and where.
struct foreign {
  unsigned line = 0;  // from 1
  std::string sentence;
};

/// Bytes that have no place in a configuration: what is not UTF-8, and control characters.
[[nodiscard]] std::optional<foreign> foreign_bytes(std::string_view text);

/// For a message: control characters, quotes and what is not UTF-8 are escaped; cut short.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace baton::config

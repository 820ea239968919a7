#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "baton/config/settings.hpp"

namespace baton::config {

/// What it takes to change a key of a service that runs.
enum class change_class : std::uint8_t {
  runtime,     ///< in force at once, for open connections and new ones (TLS: for new ones)
  monitoring,  ///< at once; concerns what operators see, not what clients do
  critical     ///< by the next generation: a hot restart, whose ports never close
};

/// "runtime", "monitoring", "critical".
[[nodiscard]] std::string_view to_string(change_class of) noexcept;

/// One key whose value is another one now.
struct change {
  /// Elements of lists by their names: "listeners[web].backlog".
  std::string key;
  change_class kind = change_class::critical;
  /// As they are written in a configuration; empty: was not, or is no longer there. Secrets are
  /// masked.
  std::string before;
  std::string after;
  friend bool operator==(const change&, const change&) = default;
};

/// What differs, in the order of the documentation. Both have the same parts.
[[nodiscard]] std::vector<change> compare(const settings& before, const settings& after);

}  // namespace baton::config

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "baton/config/change.hpp"

namespace baton::config {

enum class reload_outcome : std::uint8_t {
  unchanged,  ///< the file says what is in force already
  applied,    ///< in force now
  restarted,  ///< in force in the next generation, which has taken over
  refused,    ///< the configuration is wrong; nothing has changed
  failed,  ///< it could not be applied, or the next generation did not start; nothing has changed
  not_serving  ///< this generation does not serve; the one that does looks for itself
};

/// "unchanged", "applied", ...
[[nodiscard]] std::string_view to_string(reload_outcome of) noexcept;

/// What became of a reload.
struct reload_verdict {
  reload_outcome outcome = reload_outcome::unchanged;
  /// Of the configuration that is in force now. Counts up with each change, across restarts.
  std::uint64_t version = 1;
  /// What differs from what was in force; also if it could not be applied.
  std::vector<change> changes = {};
  /// Why nothing has changed; a line for each problem.
  std::string reason = {};

  [[nodiscard]] bool good() const noexcept {
    return outcome == reload_outcome::unchanged || outcome == reload_outcome::applied ||
           outcome == reload_outcome::restarted;
  }
  /// {"outcome", "version", "reason", "changes": [{"key", "class", "before", "after", "how"}]}
  [[nodiscard]] std::string to_json() const;
};

/// How a change of this class is applied: "live", "hot restart", ...
[[nodiscard]] std::string_view how_applied(change_class of) noexcept;

}  // namespace baton::config

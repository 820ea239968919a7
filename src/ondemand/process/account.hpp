#pragma once

#include <optional>
#include <string>

#include "lineage/launch.hpp"

namespace baton::ondemand {

/// As whom a program runs.
struct account {
  /// Nothing: as we do.
  std::optional<lineage::process_credentials> credentials = {};
  /// Of the user; empty if there is no user, or the number has no entry.
  std::string name = {};
  std::string home = {};
  std::string shell = {};
};

/// Looks up names or numbers; empty ones are ours. Asks the system's directory (nsswitch.conf(5)),
/// which may take its time. Throws setup_error. Thread-safe.
[[nodiscard]] account find_account(const std::string& user, const std::string& group);

}  // namespace baton::ondemand

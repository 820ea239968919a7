#pragma once

#include <string>
#include <vector>

#include "baton/config/load.hpp"

namespace baton::config {

/// Settings, and what they were read from.
struct loaded {
  settings made;
  std::vector<std::string> files;  // the configuration itself, and those of secrets
  std::vector<problem> remarks;    // what is no mistake, but may surprise
};

/// `load`, with the files that it read.
[[nodiscard]] loaded load_all(const sources& from);

/// Loads every certificate that a listener serves, as it would. Throws config_error with everything
/// that cannot be loaded.
void try_certificates(const settings& of, const std::string& source);

}  // namespace baton::config

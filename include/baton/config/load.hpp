#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "baton/config/error.hpp"
#include "baton/config/settings.hpp"

namespace baton::config {

/// A value that comes before everything else, such as a flag's.
struct override_value {
  /// "server.threads", "listeners[0].backlog", "listeners[*].backlog" (each), "listeners".
  std::string key;
  /// As it stands in a configuration; a whole section as YAML. Lists with commas between.
  std::string value;
  /// For messages: "--threads".
  std::string source;
};

/// Those variables of this process that begin with BATON_, as "NAME=value". Not thread-safe: call
/// it before the program starts threads.
[[nodiscard]] std::vector<std::string> process_environment();

/// Where settings come from; what stands further down wins.
struct sources {
  /// The program's own.
  settings defaults = {};
  /// A YAML file; empty: none.
  std::string path = {};
  /// "BATON_SERVER_THREADS=4" is server.threads, "BATON_LISTENERS_0_ADDRESS=..." is
  /// listeners[0].address, "BATON_TLS_MAIN_CA=..." is tls.main.ca.
  std::vector<std::string> environment = {};
  std::vector<override_value> overrides = {};
};

/// Reads, checks and resolves the settings as a whole. Throws config_error with everything that is
/// wrong. Reads files, but no certificates.
[[nodiscard]] settings load(const sources& from);

/// The same from a text instead of the file, which `from.path` only names.
[[nodiscard]] settings load_text(std::string_view yaml, const sources& from = {});

/// What `--check` prints, and whether a service could start with it.
struct check_result {
  bool good = false;
  /// Lines: each problem, or one that says what was found.
  std::string report;
};

/// Loads the settings, and the certificates they name; changes nothing, binds nothing.
[[nodiscard]] check_result check(const sources& from);

}  // namespace baton::config

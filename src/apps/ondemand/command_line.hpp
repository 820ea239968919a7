#pragma once

#include <cstdint>
#include <string>

#include "apps/ondemand/admin_target.hpp"
#include "baton/config/load.hpp"

namespace baton::apps {

/// What the program is to do.
enum class task : std::uint8_t {
  nothing,  ///< it was only asked for help, or wrongly: see `exit_status`
  serve,
  demonstrate,
  check,
  print_config,
  print_schema,
  print_docs,
  ask,             ///< a gateway that runs
  be_demonstrated  ///< one of the demonstration's services
};

struct command_line {
  task what = task::nothing;
  /// The file, the environment and what flags say; with the sections of services.
  config::sources from = {};
  admin_flags admin = {};
  std::string question = {};  // of ask: status, why, start...
  std::string service = {};   // of ask, and of be_demonstrated
  bool json = false;
  int exit_status = 0;
};

/// Explains itself on standard output or error where there is nothing else to do.
[[nodiscard]] command_line read_command_line(int argc, char** argv);

}  // namespace baton::apps

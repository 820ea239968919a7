#pragma once

#include <string>
#include <vector>

namespace baton {

/// What became of new options for a server that runs; the names are server_options' members.
struct update_result {
  std::vector<std::string> applied;        ///< in force now
  std::vector<std::string> needs_upgrade;  ///< only the next generation can have them
};

}  // namespace baton

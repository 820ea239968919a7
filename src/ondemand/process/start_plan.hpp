#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "baton/base/unique_fd.hpp"
#include "baton/ondemand/program.hpp"
#include "lineage/launch.hpp"
#include "ondemand/process/child.hpp"

namespace baton::ondemand {

/// All that a start takes, so that it can be prepared on a thread of its own.
struct start_request {
  program what = {};
  /// Above the highest number that the program is given.
  std::vector<lineage::placed_descriptor> passed = {};
  /// The writing ends of our pipes; invalid: as the program's options say.
  unique_fd output = {};
  unique_fd error_output = {};
  /// How many of `passed`, from 3 on, are told by LISTEN_FDS, and their names.
  std::size_t listened = 0;
  std::string names = {};
  /// Ours: the marker, NOTIFY_SOCKET, numbers of descriptors, what the caller wants.
  std::vector<std::pair<std::string, std::string>> variables = {};
};

/// Takes the options apart and duplicates the descriptors. Throws setup_error.
[[nodiscard]] start_request make_start_request(const child_options& options);

/// Looks up the user, opens files, makes the environment: may take its time. Throws setup_error.
/// Thread-safe.
[[nodiscard]] lineage::launch_plan make_plan(start_request request);

}  // namespace baton::ondemand

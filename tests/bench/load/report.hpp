#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "options.hpp"
#include "tally.hpp"

namespace bench {

/// What a run found, summed over its threads.
struct report {
  std::int64_t started = 0;  ///< CLOCK_MONOTONIC, nanoseconds
  double seconds = 0;        ///< from the start to the last answer
  tally total;
  std::vector<std::pair<behaviour, tally>> groups;
};

/// For people, in lines.
std::string to_text(const report& result);
/// For scripts: one JSON object; latencies in microseconds.
std::string to_json(const report& result, const load_options& options);

}  // namespace bench

#pragma once

#include <cstdint>
#include <string>

#include "histogram.hpp"
#include "tally.hpp"

namespace bench {

/// How reports write what was measured. Latencies are in microseconds.
double per_second(std::uint64_t count, double seconds);
std::string latency_text(const histogram& latency);
/// A JSON object: the quantiles and `max`.
std::string latency_json(const histogram& latency);
/// A JSON array: who answered, how often, and when first and last.
std::string pids_json(const pid_list& pids);

}  // namespace bench

#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "baton/ondemand/service_status.hpp"

namespace baton::ondemand {

/// Why a service runs, or does not: since when, who wanted it, what keeps it, what it waits for,
/// why it failed and when it is tried again, and what leads to it. Sentences for people, the state
/// first.
[[nodiscard]] std::vector<std::string> explain(const service_status& of,
                                               std::chrono::system_clock::time_point now);

}  // namespace baton::ondemand

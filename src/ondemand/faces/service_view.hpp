#pragma once

#include <boost/json/object.hpp>
#include <chrono>

#include "baton/ondemand/service_status.hpp"

namespace baton::ondemand {

/// A service in a list: {name, state, since, since_ms, target, kind, pid, open, waiting, starts,
/// failures, idle_at, idle_in_ms, retry_at, retry_in_ms, because, why, progress, always, routes}.
/// Times are milliseconds since the epoch; what there is not is null.
[[nodiscard]] boost::json::object view(const service_status& of,
                                       std::chrono::system_clock::time_point now);
/// All of it: the same with its last starts, its output, and the explanation.
[[nodiscard]] boost::json::object detailed_view(const service_status& of,
                                                std::chrono::system_clock::time_point now);

}  // namespace baton::ondemand

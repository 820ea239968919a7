#pragma once

#include <boost/json/object.hpp>

#include "baton/http/statistics.hpp"

/// What was served, as JSON.
namespace baton::admin {

/// {count, mean_seconds, p50_seconds, p95_seconds, p99_seconds, p999_seconds}; null values if
/// nothing was counted.
[[nodiscard]] boost::json::object percentiles(const http::durations& of);
/// Requests by class of status, latency, bytes, streams, messages.
[[nodiscard]] boost::json::object view(const http::listener_statistics& of);

}  // namespace baton::admin

#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <vector>

#include "ondemand/journal/chronicle.hpp"
#include "ondemand/journal/state_change.hpp"

/// The journal's parts as JSON: for those who look, and for the next generation.
namespace baton::ondemand {

/// {sequence, at, service, from, to, why, pid}; `at` in milliseconds since the epoch.
[[nodiscard]] boost::json::object view(const state_change& of);
/// {number, cause, host, path, peer, at, begun_us, spawned_us, ready_us, first_byte_us, pid,
/// failure}; what has not come is null.
[[nodiscard]] boost::json::object view(const start_record& of);
/// {starts, failures, times: {counts: [...], sum_us}}
[[nodiscard]] boost::json::object view(const chronicle::totals& of);

// Nothing: it is not what `view` writes.
[[nodiscard]] std::optional<state_change> read_change(const boost::json::value& from);
[[nodiscard]] std::optional<start_record> read_start(const boost::json::value& from);
[[nodiscard]] std::optional<chronicle::totals> read_totals(const boost::json::value& from);

}  // namespace baton::ondemand

#pragma once

#include <boost/json/object.hpp>
#include <map>
#include <string>
#include <vector>

#include "baton/admin/health_report.hpp"
#include "baton/net/counters.hpp"
#include "baton/server/listener_status.hpp"

namespace baton {
class server;
}

/// What the admin service knows, as JSON.
namespace baton::admin {

/// Who answers: generation, pid, phase.
[[nodiscard]] boost::json::object identity(const server& of);
[[nodiscard]] boost::json::object view(const listener_status& of);
[[nodiscard]] boost::json::object view(const net::counter_totals& of);
[[nodiscard]] boost::json::object view(const check_report& of);
/// The status, and the reasons of the checks that are not healthy; each check if `detailed`.
[[nodiscard]] boost::json::object view(const health_report& of, bool detailed);

[[nodiscard]] std::int64_t milliseconds_since_epoch(std::chrono::system_clock::time_point at);
/// "2026-11-21T18:15:02.123Z" (RFC 3339).
[[nodiscard]] std::string timestamp(std::chrono::system_clock::time_point at);

}  // namespace baton::admin

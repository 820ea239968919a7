#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace baton::ondemand {

/// Why a service was started.
enum class start_cause : std::uint8_t {
  request,  ///< somebody asked for it
  order,    ///< the operator wanted it
  always,   ///< it is to run always
  unknown   ///< a client of an earlier generation of the gateway, say
};

/// "request", "order", "always", "unknown".
[[nodiscard]] std::string_view to_string(start_cause of) noexcept;

/// One start of a service, step by step.
struct start_record {
  /// The first start of the service, of all generations of the gateway, is 1.
  std::uint64_t number = 0;
  start_cause cause = start_cause::unknown;
  /// Of the request that was the first to wait: the name asked for, the path without its query, and
  /// where it came from.
  std::string host = {};
  std::string path = {};
  std::string peer = {};

  /// When it was wanted: that request was there, or the order came.
  std::chrono::system_clock::time_point at = {};
  // Since then; nothing: it has not come so far.
  std::optional<std::chrono::microseconds> begun = {};       ///< we began to start it
  std::optional<std::chrono::microseconds> spawned = {};     ///< the program runs
  std::optional<std::chrono::microseconds> ready = {};       ///< its readiness was met
  std::optional<std::chrono::microseconds> first_byte = {};  ///< the first answer began
  /// Of our child; 0: there was none.
  std::int64_t pid = 0;
  /// Why it did not come up; empty: it did, or is still at it.
  std::string failure = {};
};

}  // namespace baton::ondemand

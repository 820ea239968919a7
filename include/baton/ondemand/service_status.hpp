#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "baton/ondemand/start_record.hpp"
#include "baton/ondemand/state.hpp"

namespace baton::ondemand {

/// What is known of one service at a moment.
struct service_status {
  std::string name = {};
  service_state state = service_state::stopped;
  /// For how long it has been in that state.
  std::chrono::milliseconds since{0};
  /// Where requests go.
  std::string target = {};
  /// Of our child; 0: there is none.
  std::int64_t pid = 0;
  /// Requests that wait for it.
  std::size_t waiting = 0;
  /// Requests, event streams and WebSockets that are open at this generation of the gateway.
  std::size_t open = 0;
  /// How often it was started, by this generation of the gateway and those before it.
  std::uint64_t starts = 0;
  /// Failures in a row.
  std::uint32_t failures = 0;
  /// Why it is in that state: who wanted it, or what went wrong.
  std::string because = {};
  /// Why it failed last; empty once it is ready again.
  std::string why = {};
  /// What it is waiting for while it starts.
  std::string progress = {};
  /// The last lines that it wrote.
  std::string output = {};
  /// When it is stopped if nothing comes until then; nothing: something is open, or it is not
  /// stopped for being idle.
  std::optional<std::chrono::milliseconds> idle_in = {};
  /// When one that failed may be started again.
  std::optional<std::chrono::milliseconds> retry_in = {};
  /// "child", "commands" or "proxied": who starts it, and how.
  std::string kind = {};
  bool always = false;
  std::chrono::milliseconds idle_timeout{0};
  /// What leads to it: "shop.example/app", with " on LISTENER" where that matters.
  std::vector<std::string> routes = {};
  /// Its last starts, the latest at the end.
  std::vector<start_record> last_starts = {};
};

}  // namespace baton::ondemand

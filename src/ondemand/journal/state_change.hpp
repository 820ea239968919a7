#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "baton/ondemand/state.hpp"

namespace baton::ondemand {

/// One line of the journal: a service's state has changed.
struct state_change {
  /// Ascending over all services and generations of the gateway; a generation that takes over
  /// leaves a gap.
  std::uint64_t sequence = 0;
  std::chrono::system_clock::time_point at = {};
  std::string service = {};
  service_state from = service_state::stopped;
  service_state to = service_state::stopped;
  /// In words: who wanted it, or what went wrong.
  std::string why = {};
  /// Of our child, once it has one.
  std::int64_t pid = 0;
};

}  // namespace baton::ondemand

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "ondemand/gateway/doorway.hpp"
#include "ondemand/journal/chronicle.hpp"
#include "ondemand/life/life.hpp"
#include "ondemand/process/exit_status.hpp"
#include "ondemand/starter/holdings.hpp"

namespace baton::ondemand {

/// Who does as a service's life wants.
enum class tenure : std::uint8_t {
  ours,
  awaited,  ///< an earlier generation still; ours is next
  given     ///< a later generation
};

/// A service as one generation gives it to the next: stopped, failed or ready.
struct estate {
  life::memory memory = {};
  std::uint64_t starts = 0;
  /// Requests that wait at the giver's doors.
  std::size_t waiting = 0;
  /// Index of service_options::kind.
  std::size_t kind = 0;
  holdings works = {};
};

/// What is told to a later generation of a service that it was given.
struct heir_events {
  doorway_events doors = {};
  /// Its process has ended, which the heir sees, but not how.
  std::function<void(const exit_status& how)> exited = {};
  /// The operator spoke to us.
  std::function<void(service_order what)> ordered = {};
};

}  // namespace baton::ondemand

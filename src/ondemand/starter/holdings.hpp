#pragma once

#include <optional>
#include <string>

#include "baton/base/unique_fd.hpp"
#include "baton/net/address.hpp"
#include "ondemand/process/child.hpp"

namespace baton::ondemand {

/// What the starter of one generation of the gateway gives to that of the next, of a service that
/// stands still or is ready.
struct holdings {
  /// Where requests go; none: it does not run.
  net::address target = {};
  /// The last lines that it wrote.
  std::string output = {};
  /// Its process. Of a service that commands started there are only the descriptors, to which it
  /// may write still.
  std::optional<child_handle> process = {};
};

/// What a starter gets from the gateway it works for.
struct starter_setting {
  /// Marks what it starts, so that a later generation finds it; empty: nothing is marked but by
  /// each start.
  std::string tree = {};
  /// The socket that an earlier generation bound for the service; invalid: one is bound.
  unique_fd socket = {};
};

}  // namespace baton::ondemand

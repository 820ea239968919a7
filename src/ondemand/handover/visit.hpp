#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "baton/base/unique_fd.hpp"
#include "ondemand/handover/endpoint.hpp"

namespace baton::ondemand {

/// What an earlier generation says that it keeps.
struct kept_service {
  std::string name = {};
  /// Of the socket that it passes to its program, as it was asked for; empty: it passes none.
  std::string address = {};
  unique_fd socket = {};
};

/// A connection to an earlier generation.
struct acquaintance {
  unique_fd socket = {};
  pid_t process = 0;
  std::vector<kept_service> services = {};
};

/// Goes to `where` and says hello; stands still meanwhile, at most 5 s. Without a socket: nobody is
/// there. Throws setup_error if somebody is, and is not who it should be, refuses, or does not
/// answer.
[[nodiscard]] acquaintance visit(const endpoint& where);

}  // namespace baton::ondemand

#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "baton/net/address.hpp"
#include "baton/ondemand/program.hpp"

/// How one knows that a service that was started can be sent requests.
namespace baton::ondemand {

/// Ready once a connection to it is accepted. Tried after 1 ms and then in growing steps up to
/// 50 ms.
struct tcp_check {
  net::address target = {};
};

/// Both ends belong to it.
struct status_range {
  unsigned first = 200;
  unsigned last = 399;
};

/// Ready once a GET (HTTP/1.1, in the clear) is answered with one of `expected`.
struct http_check {
  /// None: of a child that is given its socket, that.
  net::address target = {};
  std::string path = "/";
  /// Host header; empty: the target.
  std::string host = {};
  std::vector<status_range> expected = {status_range{}};
  /// For one answer; after it the next attempt is made.
  std::chrono::milliseconds attempt_timeout{5000};
};

/// Ready once the program ends with status 0.
struct command_check {
  program what = {};
  /// For one run; it is ended then, with all it started.
  std::chrono::milliseconds attempt_timeout{10'000};
};

/// Ready once the service says READY=1 (sd_notify(3)).
struct notify_check {};

/// Ready with its first answer on the listening socket that it is given, where requests wait while
/// it starts. Where nobody asks, or the answer takes more than a second: once it accepts a
/// connection there.
struct listening_check {};

/// Ready as soon as it was started.
struct no_check {};

using readiness_check =
    std::variant<no_check, listening_check, tcp_check, http_check, command_check, notify_check>;

}  // namespace baton::ondemand

#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "baton/net/network.hpp"

namespace baton::ondemand {

/// How requests are passed on to one upstream.
struct forward_options {
  /// Sent as Host instead of the client's own; empty: the client's.
  std::string host = {};
  /// Taken away from the front of the path, whole segments only ("/app": "/app/x" becomes "/x").
  std::string strip_prefix = {};
  /// Put before the path afterwards.
  std::string add_prefix = {};
  /// Peers whose Forwarded and X-Forwarded-* are believed and appended to; everybody else's are
  /// replaced.
  std::vector<net::network> trusted = {};
  /// Forwarded (RFC 7239).
  bool forwarded = true;
  /// X-Forwarded-For, -Proto, -Host and -Port.
  bool x_forwarded = true;
  /// Our name in Via (RFC 9110 section 7.6.3); empty: no such field.
  std::string via = {};

  /// From the request (or the last of its body) to the answer's header.
  std::chrono::milliseconds head_timeout{std::chrono::seconds{60}};
  /// Between two pieces of the answer's body; event streams may be silent for as long as they like.
  std::chrono::milliseconds piece_timeout{std::chrono::seconds{60}};
  /// For a connection: while all are in use, and while one is being opened.
  std::chrono::milliseconds wait_timeout{std::chrono::seconds{10}};
  /// For the upstream's 100 before the body of a request with Expect: 100-continue is sent anyhow.
  std::chrono::milliseconds continue_timeout{std::chrono::seconds{1}};
};

}  // namespace baton::ondemand

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "baton/http/http2_limits.hpp"

namespace baton::http {

/// What one client may ask of a service. Every wait and every buffer has its bound here; what the
/// client is told when it goes beyond stands behind each.
struct limits {
  /// The first line without its CRLF: 414.
  std::size_t max_request_line = std::size_t{8} * 1024;
  /// Request line and header fields together; also the trailer fields: 431.
  std::size_t max_header_bytes = std::size_t{64} * 1024;
  /// Header fields; also trailer fields: 431.
  std::size_t max_header_count = 100;
  /// A request's body after decoding: 413. A route may have its own (`route_options`).
  std::uint64_t max_body = std::uint64_t{16} * 1024 * 1024;

  /// From the first byte of a request (or from the accept) to the end of its header; a byte now
  /// and then does not renew it: 408, or a plain close if nothing came at all.
  std::chrono::milliseconds header_timeout{std::chrono::seconds{10}};
  /// Without a byte of the body although we are reading: 408.
  std::chrono::milliseconds body_timeout{std::chrono::seconds{30}};
  /// Between two requests: the connection is closed.
  std::chrono::milliseconds idle_timeout{std::chrono::seconds{75}};
  /// Without progress although we have something to send: the connection is cut.
  std::chrono::milliseconds write_timeout{std::chrono::seconds{30}};
  /// After an answer that ends the connection: how long we still read, and throw away, so that no
  /// reset overtakes the answer (RFC 9112 section 9.6).
  std::chrono::milliseconds linger_timeout{std::chrono::seconds{2}};

  /// Requests on one connection; the last answer carries `Connection: close`. 0: unlimited.
  std::uint32_t max_requests_per_connection = 0;

  /// What only HTTP/2 has.
  http2_limits http2;
};

}  // namespace baton::http

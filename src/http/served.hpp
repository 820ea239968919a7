#pragma once

#include <chrono>
#include <cstdint>

#include "baton/http/request.hpp"

namespace baton::http {

/// One request and what became of it. Told once for each, when the last byte of its answer was
/// given to the connection, or when it is clear that it never will be.
struct served {
  using clock = std::chrono::steady_clock;

  /// Valid during the call. Of a request that could not be read: method unknown, no target.
  const http::request& asked;
  /// Of the answer; 0 where none was begun: the client has left, or took the request back.
  unsigned status;
  /// The whole answer was given to the connection.
  bool complete;
  /// Of the answer's body, without framing, as far as it was given to the connection.
  std::uint64_t body_bytes;
  clock::time_point began;     ///< its first byte was there
  clock::time_point answered;  ///< the answer, or the head of one that is streamed, was given
  clock::time_point ended;
};

/// Who wants to know of each, on the loop's thread and within the client's turn: must be quick, and
/// must not throw.
class served_watcher {
 public:
  served_watcher() = default;
  served_watcher(const served_watcher&) = delete;
  served_watcher& operator=(const served_watcher&) = delete;
  virtual ~served_watcher() = default;

  virtual void on_served(const served& what) noexcept = 0;
};

}  // namespace baton::http

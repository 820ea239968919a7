#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "baton/http/durations.hpp"
#include "baton/http/method.hpp"

namespace baton::http {

/// What became of a request: the class of the answer's status, or `aborted` where its client left,
/// or took it back, before any answer was begun.
enum class request_outcome : std::uint8_t {
  informational,
  successful,
  redirected,
  client_error,
  server_error,
  aborted
};

inline constexpr std::array<std::string_view, 6> request_outcome_names = {"1xx", "2xx", "3xx",
                                                                          "4xx", "5xx", "aborted"};

/// What a service did for the clients of one listener since the process started.
struct listener_statistics {
  std::string listener;  ///< its name
  /// Requests whose answer was begun, or that were aborted: by method (the last place is for all
  /// others, and for requests that could not be read) and outcome.
  std::array<std::array<std::uint64_t, request_outcome_names.size()>, method_count + 1> requests{};
  /// From a request's first byte to its answer, or to the head of an answer that is streamed.
  durations latency = {};
  std::uint64_t bytes_in = 0;   ///< without TLS and below
  std::uint64_t bytes_out = 0;  ///< without TLS and below
  std::uint64_t http2_streams_opened = 0;
  std::uint64_t http2_streams_closed = 0;
  std::uint64_t websockets_opened = 0;
  std::uint64_t websockets_closed = 0;
  std::uint64_t websocket_messages_in = 0;
  std::uint64_t websocket_messages_out = 0;

  listener_statistics& operator+=(const listener_statistics& other);
};

/// What a service did, summed over its loops.
struct statistics {
  /// Those that had a client yet, by name.
  std::vector<listener_statistics> listeners;

  /// The entry of that name, made if there is none.
  [[nodiscard]] listener_statistics& of(std::string_view listener);
  [[nodiscard]] const listener_statistics* find(std::string_view listener) const noexcept;
};

}  // namespace baton::http

#pragma once

#include <cstdint>

namespace baton::http::engine {

/// What was agreed for the messages of one side (RFC 7692 section 7.1).
struct deflate_direction {
  /// A message may refer back to those before it: both sides keep a window between them.
  bool context_takeover = true;
  /// Base-2 logarithm of that window's size: 8 to 15.
  std::uint8_t window_bits = 15;

  friend bool operator==(const deflate_direction&, const deflate_direction&) = default;
};

/// What a permessage-deflate handshake agreed on.
struct deflate_parameters {
  deflate_direction server;
  deflate_direction client;

  friend bool operator==(const deflate_parameters&, const deflate_parameters&) = default;
};

}  // namespace baton::http::engine

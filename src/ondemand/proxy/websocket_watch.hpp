#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/engine/websocket_frame.hpp"

namespace baton::ondemand {

/// Follows one direction of a WebSocket that passes by: where a frame ends, another may be put
/// behind it (RFC 6455 section 5.4: a control frame also within a message). Changes nothing and
/// judges nothing: what is no WebSocket has its frames somewhere, too.
class websocket_watch {
 public:
  /// All of it has passed.
  void pass(std::string_view bytes) noexcept;
  /// As much of it as the frame at hand still has; that has passed then. 0 between two frames.
  [[nodiscard]] std::size_t rest_of_frame(std::string_view bytes) noexcept;

  [[nodiscard]] bool between_frames() const noexcept { return have_ == 0 && payload_ == 0; }
  /// A close frame has passed, or begun to: this side says no more.
  [[nodiscard]] bool closed() const noexcept { return closed_; }

 private:
  std::size_t take(std::string_view bytes) noexcept;

  std::array<char, http::engine::max_frame_header> header_{};
  std::size_t have_ = 0;       // of the header
  std::uint64_t payload_ = 0;  // that is to come
  bool closed_ = false;
};

}  // namespace baton::ondemand

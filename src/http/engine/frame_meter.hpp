#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "baton/http/http2_limits.hpp"
#include "http/engine/client_streams.hpp"
#include "http/engine/http2_error.hpp"
#include "http/engine/token_bucket.hpp"

namespace baton::http::engine {

/// Looks at the header of every frame before nghttp2 does, and says when a client asks for too
/// much work that leads to nothing.
///
/// Invariants: the verdict on the same bytes is the same however they were split; what nghttp2
/// would skip without a word (unknown types, frames on closed streams) is counted as well.
class frame_meter {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit frame_meter(const http2_limits& allowed) noexcept;

  /// How many bytes at the front of `input` may go on, then to be called with the rest. None after
  /// a `verdict`, of a frame's header that is not complete (to be called with it again, and more
  /// behind it), or if the frame is to be left out: see `leave_out`. Once the client has said
  /// GOAWAY it is one frame at a time, for each may be the last that is heard.
  std::size_t pass(std::string_view input);
  /// How many bytes at the front of `input` nghttp2 must not see; 0: none, or the frame is not
  /// complete. RST_STREAM on a stream that is yet to be opened ends the connection by the book (RFC
  /// 9113 section 6.4). grpc++'s clients send it for a call whose deadline passes before its header
  /// has gone out, and all their other calls would go down with it.
  std::size_t leave_out(std::string_view input) noexcept;
  /// What ends the connection, or null.
  [[nodiscard]] const http2_failure* verdict() const noexcept { return verdict_; }

  /// The time that has passed allows more.
  void renew(time_point now) noexcept;
  /// A DATA frame with content was sent.
  void data_sent() noexcept { idle_frames_.give(per_sent_data); }
  /// A request was answered to its end.
  void answered() noexcept { resets_.give(1); }
  /// The client took a request back, or made us do it. False if that was one too many.
  [[nodiscard]] bool reset() noexcept { return resets_.take(); }
  /// A request came beyond the number allowed at once. False if that was one too many.
  [[nodiscard]] bool refused() noexcept { return refused_.take(); }
  /// The request came by HTTP/1.1 (Upgrade) and is stream 1.
  void upgraded();

  /// Whether a header has begun that is not complete yet.
  [[nodiscard]] bool in_header() const noexcept { return in_block_ || (skip_ != 0 && header_); }

 private:
  static constexpr std::int64_t per_request = 8;
  static constexpr std::int64_t per_received_data = 2;
  static constexpr std::int64_t per_sent_data = 4;
  static constexpr std::size_t header_size = 9;

  std::size_t pass_content(std::string_view input) noexcept;
  [[nodiscard]] bool resets_ahead(const unsigned char* header) const noexcept;
  const http2_failure* begin_frame(const unsigned char* header);
  const http2_failure* begin_data();
  const http2_failure* begin_headers();
  const http2_failure* look_inside(unsigned char byte) noexcept;
  const http2_failure* weigh_data(std::uint32_t content) noexcept;
  const http2_failure* spend() noexcept;

  client_streams streams_;
  token_bucket idle_frames_;
  token_bucket resets_;
  token_bucket refused_;  // nothing but time allows more
  time_point renewed_{};
  const http2_failure* verdict_ = nullptr;
  std::uint32_t max_continuations_;
  std::uint32_t continuations_ = 0;
  std::uint32_t skip_;        // bytes of the frame (or the preface) still to come
  std::uint32_t length_ = 0;  // of the frame
  std::uint32_t stream_ = 0;
  std::uint32_t inside_ = 0;  // what was seen of the bytes that matter
  std::uint8_t look_ = 0;     // how many of them are still to come
  std::uint8_t type_ = 0;
  std::uint8_t flags_ = 0;
  bool leaving_ = false;   // the client has said GOAWAY
  bool header_ = false;    // the frame is HEADERS or CONTINUATION
  bool in_block_ = false;  // CONTINUATION must follow
};

}  // namespace baton::http::engine

#pragma once

#include <cstdint>
#include <string_view>

namespace baton::http::engine {

/// Why a stream or a connection ends (RFC 9113 section 7). A client may send other values.
enum class http2_error : std::uint32_t {
  no_error = 0x0,
  protocol_error = 0x1,
  internal_error = 0x2,
  flow_control_error = 0x3,
  settings_timeout = 0x4,
  stream_closed = 0x5,
  frame_size_error = 0x6,
  refused_stream = 0x7,
  cancel = 0x8,
  compression_error = 0x9,
  connect_error = 0xa,
  enhance_your_calm = 0xb,
  inadequate_security = 0xc,
  http_1_1_required = 0xd
};

/// Why a connection is ended: what GOAWAY says, and one sentence behind it.
struct http2_failure {
  http2_error code = http2_error::no_error;
  std::string_view why;
};

inline constexpr http2_failure no_preface{http2_error::protocol_error,
                                          "the connection does not begin with the preface"};
inline constexpr http2_failure too_many_continuations{http2_error::enhance_your_calm,
                                                      "too many CONTINUATION frames"};
inline constexpr http2_failure too_many_idle_frames{
    http2_error::enhance_your_calm, "too many frames that carry nothing for a request"};
inline constexpr http2_failure too_many_resets{http2_error::enhance_your_calm,
                                               "too many requests were reset"};
inline constexpr http2_failure too_many_queued{http2_error::enhance_your_calm,
                                               "too many frames wait to be read"};
inline constexpr http2_failure too_much_control{http2_error::enhance_your_calm,
                                                "too many SETTINGS, PING or CONTINUATION frames"};
inline constexpr http2_failure frame_behind_end{http2_error::stream_closed,
                                                "a frame on a stream that its sender has ended"};
inline constexpr http2_failure stream_out_of_order{http2_error::protocol_error,
                                                   "streams are opened in ascending order"};
inline constexpr http2_failure priority_of_nothing{http2_error::protocol_error,
                                                   "PRIORITY on stream 0"};
inline constexpr http2_failure priority_on_itself{http2_error::protocol_error,
                                                  "a stream depends on itself"};
/// For what nghttp2 gives no reason.
constexpr std::string_view plain_reason(http2_error code) noexcept {
  switch (code) {
    case http2_error::flow_control_error:
      return "more than a window allows, or a window beyond 2147483647";
    case http2_error::frame_size_error:
      return "a frame of a size that its type does not have";
    case http2_error::stream_closed:
      return "a frame on a stream that is closed";
    case http2_error::compression_error:
      return "a header block that cannot be decoded";
    case http2_error::enhance_your_calm:
      return "too much at once";
    case http2_error::internal_error:
      return "the server could not go on";
    default:
      return "a frame that is not allowed here, or not in this form";
  }
}

inline constexpr http2_failure broken_inside{http2_error::internal_error,
                                             "the server could not go on"};

}  // namespace baton::http::engine

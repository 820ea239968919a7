#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace baton::http {

/// What one HTTP/2 connection may ask for, by RFC 9113's names where it has them. What the client
/// is told when it goes beyond stands behind each; "calm" is GOAWAY with ENHANCE_YOUR_CALM and the
/// end of the connection. The time limits, `max_body`, `max_request_line` and `max_header_count`
/// of `limits` hold for every version of HTTP.
struct http2_limits {
  /// SETTINGS_MAX_CONCURRENT_STREAMS: REFUSED_STREAM; PROTOCOL_ERROR for the connection if the
  /// client has confirmed the setting. A request that the client takes back counts until its
  /// handler is done.
  std::uint32_t max_concurrent_streams = 128;
  /// SETTINGS_INITIAL_WINDOW_SIZE, bytes of one request's body that its handler has not taken yet:
  /// FLOW_CONTROL_ERROR.
  std::uint32_t initial_window_size = std::uint32_t{1024} * 1024;
  /// The same for all streams of a connection together; at least 65,535.
  std::uint32_t connection_window_size = std::uint32_t{4} * 1024 * 1024;
  /// Bytes of bodies that are collected whole for their handlers, all requests of a connection
  /// together, until each is answered; as many again of those that were taken back from their
  /// handlers. From half of it on only the oldest request is given more window, and that one may
  /// always be completed; what does not fit is refused: REFUSED_STREAM.
  std::size_t max_collected_bytes = std::size_t{64} * 1024 * 1024;
  /// SETTINGS_MAX_FRAME_SIZE, bytes that a client may put in one frame, 16,384 to 16,777,215:
  /// FRAME_SIZE_ERROR.
  std::uint32_t max_frame_size = std::uint32_t{16} * 1024;
  /// SETTINGS_MAX_HEADER_LIST_SIZE, bytes of all names and values and 32 for each field, also for
  /// trailers: 431. From four times as much on, the stream is reset unheard.
  std::uint32_t max_header_list_size = std::uint32_t{64} * 1024;
  /// SETTINGS_HEADER_TABLE_SIZE, bytes of memory for each connection: COMPRESSION_ERROR.
  std::uint32_t header_table_size = 4096;

  /// CONTINUATION frames behind one HEADERS frame: calm.
  std::uint32_t max_continuations = 16;
  /// Requests that the client takes back, or spoils so that we have to reset them, at once; every
  /// request that is answered, and the time, allow one more (CVE-2023-44487, CVE-2025-8671): calm.
  std::uint32_t max_resets = 200;
  std::uint32_t resets_per_second = 20;
  /// Frames that carry nothing for a request, at once: SETTINGS, PING, PRIORITY, RST_STREAM,
  /// WINDOW_UPDATE, GOAWAY, frames of unknown types, DATA without content. A new request allows 8
  /// more, a DATA frame with content 2 (received) or 4 (sent): calm. As many requests may be
  /// refused for max_concurrent_streams.
  std::uint32_t max_idle_frames = 1000;
  std::uint32_t idle_frames_per_second = 100;
  /// Frames, DATA aside, that wait because the client does not read: calm.
  std::uint32_t max_queued_frames = 2000;

  // Whether the client still lives, and how long it may (gRFC A9). These hold for open connections
  // too, as soon as they are changed.
  /// A PING after so long without a byte from the client, whether it has requests open or not, as
  /// gRPC servers do. 0: none.
  std::chrono::milliseconds keepalive_time{0};
  /// How long the answer to it, or any other byte, may take: the connection is cut. Not counted
  /// while output waits for the client: that is `write_timeout`'s.
  std::chrono::milliseconds keepalive_timeout{std::chrono::seconds{10}};
  /// The client is told to leave, as by a drain (GOAWAY twice, what is open may finish), after so
  /// long, and up to 10 % less or more, so that clients that came together do not leave together.
  /// 0: never.
  std::chrono::milliseconds max_connection_age{0};
  /// What is still open so long behind that is dropped, as at the end of a drain. 0: it may take
  /// its time.
  std::chrono::milliseconds max_connection_age_grace{0};
};

}  // namespace baton::http

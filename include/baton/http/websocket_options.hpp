#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "baton/http/request.hpp"

namespace baton::http {

/// Compression of messages (RFC 7692). A connection uses it if its client offers it too.
///
/// Without context takeover a connection costs no memory between two messages: the tools belong
/// to the thread. With it, a window stays: for what clients send 2^client_max_window_bits + 8 Ki
/// bytes a connection, for what we send 2^(server_max_window_bits + 2) + 2^(memory_level + 9)
/// bytes (256 KiB by default), each from the first compressed message on.
struct permessage_deflate {
  bool enabled = false;
  /// Our messages may refer back to our earlier ones: better compression of small, similar ones.
  bool server_context_takeover = false;
  /// The same for clients' messages.
  bool client_context_takeover = false;
  /// 9 to 15. A client that asks for less gets it; one that asks for 8 is not compressed.
  int server_max_window_bits = 15;
  /// 8 to 15. A client that cannot be told gets no context takeover if this is below 15.
  int client_max_window_bits = 15;
  /// As zlib has it: 1 is the fastest, 9 the smallest.
  int level = 6;
  /// As zlib has it: 1 to 9.
  int memory_level = 8;
  /// Smaller messages, in bytes, are sent as they are.
  std::size_t threshold = 256;
};

/// Whether a page of the same host, or a program that is no browser, asks: no Origin field, or one
/// whose host and port are those of the request (RFC 6455 section 10.2).
[[nodiscard]] bool same_origin(const request& asked);
/// Whoever asks.
[[nodiscard]] bool any_origin(const request& asked);

/// What happens to a message that would make the backlog larger than `max_backlog`.
enum class websocket_overflow : std::uint8_t {
  close,  ///< the client reads too slowly: it is cut off
  drop    ///< the message is not sent; later ones are, once there is room
};

/// What a WebSocket route grants its clients. Every wait has its bound here, every buffer too.
struct websocket_options {
  /// Those that the application speaks, the preferred one first. The first that the client offers
  /// is agreed on; none if there is none (the client may end the connection then).
  std::vector<std::string> subprotocols = {};
  /// Refuses with 403 if it says false. A page of another site can open a WebSocket with the
  /// cookies of its visitor: see `same_origin` and `any_origin`, or write your own.
  std::function<bool(const request&)> check_origin = same_origin;

  /// Bytes of a message, decompressed: 1009 beyond. It costs memory as it comes, not before.
  std::size_t max_message = std::size_t{16} * 1024 * 1024;
  /// Messages of the other kind are refused with 1003.
  bool accept_text = true;
  bool accept_binary = true;
  permessage_deflate compression = {};

  /// A client from which nothing came for so long is sent a ping; at most twice this passes
  /// before. 0: no pings, and a client that vanished without a word is not noticed.
  std::chrono::milliseconds ping_interval{std::chrono::seconds{30}};
  /// Then something must come within this time, or the connection is cut.
  std::chrono::milliseconds pong_deadline{std::chrono::seconds{10}};
  /// Without a message in either direction (pings do not count) the connection is closed with
  /// 1001; up to a quarter more may pass. 0: never.
  std::chrono::milliseconds idle_timeout{0};
  /// From the first byte of a message to its last, however busily they trickle (also for a ping or
  /// a close): 1008 beyond; up to a quarter more may pass. The default asks of the largest message
  /// some 450 kbit/s. 0: never.
  std::chrono::milliseconds message_timeout{std::chrono::minutes{5}};
  /// From our close frame to the client's; the connection is cut then.
  std::chrono::milliseconds close_timeout{std::chrono::seconds{5}};

  /// Beyond this many bytes that wait for the client, `send` says `backlogged`, and nothing more is
  /// read from that client until half of them are gone.
  std::size_t high_water = std::size_t{64} * 1024;
  /// A message that would make it more than this many is not taken.
  std::size_t max_backlog = std::size_t{4} * 1024 * 1024;
  websocket_overflow overflow = websocket_overflow::close;

  /// WebSockets at once on this route, on all threads together. Further handshakes are accepted,
  /// so that a browser learns why, and closed with 1013 at once, unknown to the application; they
  /// take a connection's place for at most `close_timeout`. 0: as many as there are connections.
  std::size_t max_connections = 0;
  /// Keep the fields of the handshake for `websocket::request`: half a kilobyte or more for each
  /// client. What `open` looks at need not be kept.
  bool keep_fields = true;
};

}  // namespace baton::http

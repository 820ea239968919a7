#pragma once

#include <cstdint>
#include <string_view>

namespace bench {

enum class protocol : std::uint8_t { http1, http2, websocket, events };

/// A way to be a client.
struct kind {
  std::string_view name;
  std::string_view meaning;
  protocol speaks = protocol::http1;
  bool tls = false;
  bool one_shot = false;  ///< a connection for each request
  bool thinks = false;    ///< pauses between an answer and the next request
  bool deep = false;      ///< several messages in flight
  bool tls12 = false;     ///< TLS 1.2 at most
};

inline constexpr kind kinds[] = {
    {.name = "http", .meaning = "HTTP/1.1 keep-alive, closed loop"},
    {.name = "https", .meaning = "the same under TLS", .tls = true},
    {.name = "https-thinking",
     .meaning = "the same with a pause before each request",
     .tls = true,
     .thinks = true},
    {.name = "one-shot", .meaning = "a connection for each request", .one_shot = true},
    {.name = "resume",
     .meaning = "the same under TLS, resuming its session",
     .tls = true,
     .one_shot = true},
    {.name = "resume-tls12",
     .meaning = "the same with TLS 1.2",
     .tls = true,
     .one_shot = true,
     .tls12 = true},
    {.name = "h2c", .meaning = "HTTP/2, streams always in flight", .speaks = protocol::http2},
    {.name = "h2", .meaning = "the same under TLS", .speaks = protocol::http2, .tls = true},
    {.name = "ws", .meaning = "WebSocket echo, one in flight", .speaks = protocol::websocket},
    {.name = "wss", .meaning = "the same under TLS", .speaks = protocol::websocket, .tls = true},
    {.name = "ws-deep",
     .meaning = "WebSocket echo, several in flight",
     .speaks = protocol::websocket,
     .deep = true},
    {.name = "wss-deep",
     .meaning = "the same under TLS",
     .speaks = protocol::websocket,
     .tls = true,
     .deep = true},
    {.name = "events",
     .meaning = "server-sent events, followed with Last-Event-ID",
     .speaks = protocol::events},
    {.name = "events-tls",
     .meaning = "the same under TLS",
     .speaks = protocol::events,
     .tls = true},
};

}  // namespace bench

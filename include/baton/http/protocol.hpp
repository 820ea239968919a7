#pragma once

#include <cstdint>
#include <string_view>

namespace baton::http {

/// What a listener of its own may be kept for (`service::listen` with a list). A listener without
/// any serves all of it on one port.
enum class protocol : std::uint8_t {
  http,   ///< in the clear, every version of HTTP, WebSockets where there is a route for them
  https,  ///< the same under TLS
  http2,  ///< HTTP/2 under TLS, nothing older
  ws,     ///< WebSockets in the clear, nothing else
  wss     ///< WebSockets under TLS, nothing else
};

/// "http", "https", "http2", "ws", "wss".
[[nodiscard]] std::string_view to_string(protocol of) noexcept;
/// Reads what `to_string` writes. Throws setup_error that names `text` and what is allowed.
[[nodiscard]] protocol parse_protocol(std::string_view text);
[[nodiscard]] constexpr bool needs_tls(protocol of) noexcept {
  return of == protocol::https || of == protocol::http2 || of == protocol::wss;
}

}  // namespace baton::http

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "baton/http/fields.hpp"
#include "baton/http/request.hpp"
#include "baton/http/websocket_options.hpp"
#include "http/engine/deflate_parameters.hpp"
#include "http/engine/refusal.hpp"

namespace baton::http::engine {

/// The answer to a client that wants a WebSocket.
struct websocket_handshake {
  /// Status and reason if the answer is no: 400, 403, 426. See `refusal_fields`.
  std::optional<refusal> refused;
  std::string accept_key;        ///< HTTP/1.1 only
  std::string_view subprotocol;  ///< one of the options'; empty: none
  std::string extensions;        ///< what Sec-WebSocket-Extensions answers; empty: none
  std::optional<deflate_parameters> compression;
};

/// Checks a request that asks HTTP/1.1 to become a WebSocket (RFC 6455 sections 4.2 and 4.4).
[[nodiscard]] websocket_handshake accept_upgrade(const request& asked,
                                                 const websocket_options& options);

/// The same for an extended CONNECT of HTTP/2 whose `:protocol` is "websocket" (RFC 8441 section
/// 5): no key, no Upgrade, no Connection.
[[nodiscard]] websocket_handshake accept_connect(const request& asked,
                                                 const websocket_options& options);

/// Sec-WebSocket-Accept for a Sec-WebSocket-Key.
[[nodiscard]] std::string accept_key_for(std::string_view key);

/// What a client says as Sec-WebSocket-Key (RFC 6455 section 4.1): 16 random bytes, in base64.
/// Throws setup_error if there are none.
[[nodiscard]] std::string make_key();

/// The fields of the answer that says yes (status 101, or 200 on HTTP/2), in lower case; views into
/// the handshake and into what lives for ever.
[[nodiscard]] std::vector<field> acceptance_fields(const websocket_handshake& handshake);

/// The fields of the answer that says no, besides those of every answer. Those of HTTP/1.1 alone
/// (upgrade, connection) come only with 426.
[[nodiscard]] std::vector<field> refusal_fields(const websocket_handshake& handshake);

}  // namespace baton::http::engine

#pragma once

#include <string_view>

/// What metadata may be called, and be (PROTOCOL-HTTP2, "Custom-Metadata").
namespace baton::grpc::engine {

/// a-z, 0-9, '_', '-', '.'; not empty.
[[nodiscard]] bool is_key(std::string_view key) noexcept;
/// The protocol's own: not for handlers to send, nor to be told.
[[nodiscard]] bool is_reserved(std::string_view key) noexcept;
/// "baton-...": by such names handlers are told what baton knows of the client, so that no client
/// may send one.
[[nodiscard]] bool is_ours(std::string_view key) noexcept;
/// Its values are any bytes, in base64 on their way.
[[nodiscard]] bool is_binary(std::string_view key) noexcept;
/// Printable ASCII, without spaces at its ends.
[[nodiscard]] bool is_text(std::string_view value) noexcept;

}  // namespace baton::grpc::engine

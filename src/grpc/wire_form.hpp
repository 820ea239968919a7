#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace baton::grpc {

/// How a call is carried.
enum class wire_form : std::uint8_t {
  grpc,     ///< gRPC over HTTP/2 (PROTOCOL-HTTP2)
  web,      ///< gRPC-Web over any HTTP: the trailers are a last message (PROTOCOL-WEB)
  web_text  ///< the same, its body in base64
};

/// What a request of this content type carries; nothing: no gRPC. Messages may be named ("+proto"),
/// though only the handler knows them.
[[nodiscard]] std::optional<wire_form> form_of(std::string_view content_type) noexcept;

/// What the answer's content type is.
[[nodiscard]] std::string_view content_type(wire_form of) noexcept;

}  // namespace baton::grpc

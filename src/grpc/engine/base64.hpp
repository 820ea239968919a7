#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace baton::grpc::engine {

/// Base64 (RFC 4648 section 4), with padding or without. Written without, as a value of a "-bin"
/// field should be (PROTOCOL-HTTP2, "Binary-Header"); gRPC-Web's text wants it with.
[[nodiscard]] std::string base64_encode(std::string_view bytes, bool padded);
/// Nothing if it is malformed. Padding may be left out; bits that belong to no byte must be 0.
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text);

}  // namespace baton::grpc::engine

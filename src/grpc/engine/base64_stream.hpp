#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace baton::grpc::engine {

/// Decodes base64 that comes in pieces, each of which may have been encoded, and padded, on its own
/// (PROTOCOL-WEB, "application/grpc-web-text").
class base64_stream {
 public:
  /// What `piece` completes; nothing if it is malformed.
  [[nodiscard]] std::optional<std::string> decode(std::string_view piece);
  /// A group of four has begun and is not complete: the text must not end here.
  [[nodiscard]] bool within() const noexcept { return !begun_.empty(); }

 private:
  std::string begun_;  // of a group
};

}  // namespace baton::grpc::engine

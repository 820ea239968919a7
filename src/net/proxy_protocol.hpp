#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "baton/net/address.hpp"

/// The header with which a proxy says on whose behalf it connects (HAProxy's proxy-protocol.txt,
/// versions 1 and 2). Believe it only from proxies that you know.
namespace baton::net::proxy_protocol {

/// Version 1, the line's end included (section 2.1).
constexpr std::size_t longest_line = 107;
/// Version 2: far beyond the 536 bytes that arrive in one piece everywhere, so that certificates
/// and the like fit in as TLVs.
constexpr std::size_t longest_binary = 4096;

enum class outcome : std::uint8_t { need_more, done, refused };

struct header {
  proxy_protocol::outcome outcome = outcome::need_more;
  /// Bytes that belong to the header, if it is done.
  std::size_t size = 0;
  /// The client; nothing if the proxy speaks for itself (LOCAL, a health check) or does not know
  /// (UNKNOWN, UNSPEC): then the connection's own peer stands.
  std::optional<address> client = {};
  /// If it was refused.
  std::string_view why = {};
};

/// Reads the header at the beginning of `bytes`, which are all that came so far. Whether the result
/// is `need_more` depends on nothing else, and never lasts beyond the longest header.
[[nodiscard]] header parse(std::string_view bytes) noexcept;
/// Whether these are the first bytes of a header, whatever follows.
[[nodiscard]] bool begins(std::string_view bytes) noexcept;

}  // namespace baton::net::proxy_protocol

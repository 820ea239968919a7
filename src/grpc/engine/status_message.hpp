#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace baton::grpc::engine {

/// A grpc-message field's value: printable ASCII but '%' as it is, everything else as %XX
/// (PROTOCOL-HTTP2, "Status-Message"). Of more than `longest_message` bytes the beginning.
[[nodiscard]] std::string encode_message(std::string_view message);

/// A client's header list has a limit, too (8 KiB in most): a status that does not fit is lost.
inline constexpr std::size_t longest_message = 2048;

}  // namespace baton::grpc::engine

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "baton/grpc/status.hpp"
#include "grpc/call_start.hpp"

namespace baton::grpc {

/// Unpacks a message of at most `most` bytes. The view is good until the thread's next call. A
/// status if that cannot be done.
[[nodiscard]] std::optional<status> unpack(encoding how, std::string_view& message,
                                           std::size_t most);

/// Appends a message with its prefix; by gzip if `packed` and if that makes it shorter.
void frame(std::string& to, std::string_view message, bool packed);

/// What is told of a message that is longer than the limit.
[[nodiscard]] status too_long(std::string_view which, std::size_t bytes, std::size_t most);

}  // namespace baton::grpc

#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace baton::grpc::engine {

/// The value of a grpc-timeout field: up to eight digits and one of H, M, S, m, u, n
/// (PROTOCOL-HTTP2, "Timeout"). Nothing if it is not one. The longest, 99,999,999 hours, are 11,000
/// years: what is beyond `longest_timeout` is that.
[[nodiscard]] std::optional<std::chrono::nanoseconds> parse_timeout(std::string_view text) noexcept;

/// So that a deadline, counted from now, does not overflow the clock.
inline constexpr std::chrono::hours longest_timeout{24 * 365 * 100};

}  // namespace baton::grpc::engine

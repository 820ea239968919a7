#pragma once

#include <chrono>
#include <cstdint>

namespace baton::http {

/// When a connection that was `born` then is `most` old, and up to 10 % less or more: always the
/// same for one connection, and spread evenly over those that were born together.
inline std::chrono::steady_clock::time_point age_reached(std::chrono::steady_clock::time_point born,
                                                         std::chrono::milliseconds most) noexcept {
  // Nanoseconds that differ in their last digits are far apart behind this (Fibonacci hashing).
  constexpr std::uint64_t golden = 0x9e37'79b9'7f4a'7c15;
  const auto mixed = static_cast<std::uint64_t>(born.time_since_epoch().count()) * golden;
  const auto steps = static_cast<std::int64_t>(mixed >> 56U) - 128;  // 1,280 are the whole age
  return born + most + most * steps / 1280;
}

}  // namespace baton::http

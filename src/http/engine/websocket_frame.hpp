#pragma once

#include <cstddef>
#include <cstdint>

#include "http/engine/masking.hpp"

namespace baton::http::engine {

// The frame of RFC 6455 section 5.2:
//
//     byte 0   FIN RSV1 RSV2 RSV3 opcode(4)
//     byte 1   MASK length(7)      126: two more bytes of length follow, 127: eight
//     then     the masking key, four bytes, if MASK is set; the payload

enum class opcode : std::uint8_t {
  continuation = 0,
  text = 1,
  binary = 2,
  close = 8,
  ping = 9,
  pong = 10
};

inline constexpr std::uint8_t fin_bit = 0x80;
inline constexpr std::uint8_t rsv1_bit = 0x40;  // compressed (RFC 7692 section 6)
inline constexpr std::uint8_t rsv2_and_3_bits = 0x30;
inline constexpr std::uint8_t opcode_bits = 0x0f;
inline constexpr std::uint8_t control_bit = 0x08;
inline constexpr std::uint8_t mask_bit = 0x80;

inline constexpr std::size_t max_control_payload = 125;
inline constexpr std::size_t max_frame_header = 14;
/// Of a frame that is not masked: a server's.
inline constexpr std::size_t max_plain_header = 10;

struct frame_header {
  std::uint64_t length = 0;
  masking_key key;
  std::uint8_t first = 0;
  bool masked = false;
  bool shortest = true;  ///< the length is written in as few bytes as it takes

  [[nodiscard]] bool fin() const noexcept { return (first & fin_bit) != 0; }
  [[nodiscard]] bool control() const noexcept { return (first & control_bit) != 0; }
  [[nodiscard]] opcode code() const noexcept { return static_cast<opcode>(first & opcode_bits); }
};

/// How long a header is, its first two bytes being there.
[[nodiscard]] constexpr std::size_t frame_header_size(std::uint8_t second) noexcept {
  const unsigned length = second & 0x7fU;
  const std::size_t more = length == 126 ? 2U : length == 127 ? 8U : 0U;
  return 2 + more + ((second & mask_bit) != 0 ? 4U : 0U);
}

/// Reads a header that is there as a whole.
[[nodiscard]] inline frame_header read_frame_header(const char* bytes) noexcept {
  const auto byte = [bytes](std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); };
  frame_header header;
  header.first = byte(0);
  header.masked = (byte(1) & mask_bit) != 0;
  header.length = byte(1) & 0x7fU;
  const char* at = bytes + 2;
  if (header.length >= 126) {
    const std::size_t count = header.length == 126 ? 2 : 8;
    const std::uint64_t least = header.length == 126 ? 126 : 65536;
    header.length = 0;
    for (std::size_t i = 0; i < count; ++i) header.length = header.length << 8U | byte(2 + i);
    header.shortest = header.length >= least;
    at += count;
  }
  if (header.masked) header.key = masking_key{at};
  return header;
}

/// Writes the header of a frame that is not masked; `to` holds `max_plain_header` bytes. Returns
/// how many were written.
[[nodiscard]] inline std::size_t write_frame_header(char* to, std::uint8_t first,
                                                    std::uint64_t length) noexcept {
  to[0] = static_cast<char>(first);
  if (length < 126) {
    to[1] = static_cast<char>(length);
    return 2;
  }
  const std::size_t count = length < 65536 ? 2 : 8;
  to[1] = static_cast<char>(count == 2 ? 126 : 127);
  for (std::size_t i = 0; i < count; ++i)
    to[2 + i] = static_cast<char>(length >> (8 * (count - 1 - i)));
  return 2 + count;
}

}  // namespace baton::http::engine

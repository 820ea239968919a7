#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace baton::http::test {

/// Frames as the RFC draws them, written and read byte by byte: nothing of the engine is used.
struct frame {
  std::uint8_t opcode = 1;
  std::string payload = {};
  bool fin = true;
  std::uint8_t rsv = 0;  // 4: RSV1, 2: RSV2, 1: RSV3
};

inline constexpr std::uint8_t continuation = 0, text = 1, binary = 2, closing = 8, ping = 9,
                              pong = 10;

enum class masked : std::uint8_t { yes, no };

inline std::string encode(const frame& made, masked how = masked::yes) {
  constexpr unsigned char key[] = {0x37, 0xfa, 0x21, 0x3d};
  std::string out;
  out += static_cast<char>((made.fin ? 0x80 : 0) | made.rsv << 4 | made.opcode);
  const auto size = made.payload.size();
  const int mask = how == masked::yes ? 0x80 : 0;
  if (size < 126) {
    out += static_cast<char>(mask | static_cast<int>(size));
  } else {
    const int bytes = size < 65536 ? 2 : 8;
    out += static_cast<char>(mask | (bytes == 2 ? 126 : 127));
    for (int i = bytes; i-- > 0;) out += static_cast<char>(size >> (8 * i));
  }
  if (how == masked::no) return out + made.payload;
  for (const auto byte : key) out += static_cast<char>(byte);
  for (std::size_t i = 0; i < size; ++i) out += static_cast<char>(made.payload[i] ^ key[i % 4]);
  return out;
}

inline std::string encode(const std::vector<frame>& frames) {
  std::string out;
  for (const auto& each : frames) out += encode(each);
  return out;
}

inline std::string close_payload(unsigned code, std::string_view reason = {}) {
  std::string payload{static_cast<char>(code >> 8U), static_cast<char>(code & 0xffU)};
  return payload.append(reason);
}

/// A data message in frames of at most `size` bytes.
inline std::vector<frame> fragments(std::uint8_t opcode, std::string_view payload,
                                    std::size_t size) {
  std::vector<frame> made;
  do {
    const auto piece = payload.substr(0, size);
    payload.remove_prefix(piece.size());
    made.push_back({made.empty() ? opcode : continuation, std::string{piece}, payload.empty()});
  } while (!payload.empty());
  return made;
}

/// Reads a server's frames. Throws std::runtime_error at what a server must not send.
inline std::vector<frame> decode(std::string_view bytes) {
  std::vector<frame> all;
  const auto take = [&](std::size_t size) {
    if (bytes.size() < size) throw std::runtime_error{"a frame is cut off"};
    const auto part = bytes.substr(0, size);
    bytes.remove_prefix(size);
    return part;
  };
  while (!bytes.empty()) {
    const auto start = take(2);
    const auto first = static_cast<unsigned char>(start[0]);
    const auto second = static_cast<unsigned char>(start[1]);
    if ((second & 0x80U) != 0) throw std::runtime_error{"a server's frame is masked"};
    std::uint64_t size = second;
    if (second >= 126) {
      size = 0;
      for (const unsigned char byte : take(second == 126 ? 2 : 8)) size = size << 8U | byte;
      if (size < (second == 126 ? 126U : 65536U)) throw std::runtime_error{"a length is padded"};
    }
    frame read;
    read.opcode = first & 0x0fU;
    read.fin = (first & 0x80U) != 0;
    read.rsv = (first >> 4U) & 7U;
    read.payload = take(size);
    all.push_back(std::move(read));
  }
  return all;
}

/// "Hello", or "65536 bytes #1234abcd" for what is long, with what is no ASCII as \xx.
inline std::string shown(std::string_view payload) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  if (payload.size() > 60) {
    std::uint32_t hash = 2166136261U;
    for (const unsigned char byte : payload) hash = (hash ^ byte) * 16777619U;
    return std::to_string(payload.size()) + " bytes #" + std::to_string(hash);
  }
  for (const unsigned char byte : payload) {
    if (byte >= 0x20 && byte < 0x7f) {
      out += static_cast<char>(byte);
    } else {
      out += {'\\', digits[byte >> 4U], digits[byte & 15U]};
    }
  }
  return out;
}

/// "text Hello", "pong", "close 1002 reason".
inline std::string describe(const frame& one) {
  static constexpr std::string_view names[] = {"continuation", "text", "binary"};
  static constexpr std::string_view controls[] = {"close", "ping", "pong"};
  std::string out;
  if (one.rsv != 0) out += "rsv" + std::to_string(one.rsv) + " ";
  if (!one.fin) out += "part of ";
  if (one.opcode == closing && one.payload.size() >= 2) {
    const auto code = static_cast<unsigned char>(one.payload[0]) * 256 +
                      static_cast<unsigned char>(one.payload[1]);
    return out + "close " + std::to_string(code);
  }
  out += one.opcode >= 8 ? controls[one.opcode - 8] : names[one.opcode];
  return one.payload.empty() ? out : out + " " + shown(one.payload);
}

}  // namespace baton::http::test

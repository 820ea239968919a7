#include "grpc/engine/base64.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace baton::grpc::engine {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t none = 0xFF;

constexpr auto values = [] {
  std::array<std::uint8_t, 256> made{};
  made.fill(none);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    made[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  return made;
}();

constexpr std::uint32_t byte_at(std::string_view bytes, std::size_t at) noexcept {
  return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0;
}

}  // namespace

std::string base64_encode(std::string_view bytes, bool padded) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const auto group =
        byte_at(bytes, at) << 16U | byte_at(bytes, at + 1) << 8U | byte_at(bytes, at + 2);
    const auto left = bytes.size() - at;
    for (std::size_t i = 0; i < 4; ++i) {
      if (i <= left) {
        text += alphabet[group >> (18U - 6U * i) & 0x3FU];
      } else if (padded) {
        text += '=';
      }
    }
  }
  return text;
}

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 == 0)  // padding only fills a group up
    for (int i = 0; i < 2 && !text.empty() && text.back() == '='; ++i) text.remove_suffix(1);
  if (text.size() % 4 == 1) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const char each : text) {
    const auto value = values[static_cast<unsigned char>(each)];
    if (value == none) return std::nullopt;
    bits = bits << 6U | value;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes += static_cast<char>(bits >> held & 0xFFU);
  }
  if ((bits & ((1U << held) - 1)) != 0) return std::nullopt;
  return bytes;
}

}  // namespace baton::grpc::engine

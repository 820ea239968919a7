#include "grpc/engine/status_message.hpp"

namespace baton::grpc::engine {
namespace {

constexpr std::string_view digits = "0123456789ABCDEF";

constexpr bool as_it_is(unsigned char byte) noexcept {
  return byte >= 0x20 && byte <= 0x7E && byte != '%';
}

/// Not within a character of UTF-8.
std::string_view beginning(std::string_view message) noexcept {
  if (message.size() <= longest_message) return message;
  auto end = longest_message;
  constexpr unsigned char continuation = 0x80;
  constexpr unsigned char top_two = 0xC0;
  while (end > 0 && (static_cast<unsigned char>(message[end]) & top_two) == continuation) --end;
  return message.substr(0, end);
}

}  // namespace

std::string encode_message(std::string_view message) {
  std::string encoded;
  const auto text = beginning(message);
  encoded.reserve(text.size());
  for (const char each : text) {
    const auto byte = static_cast<unsigned char>(each);
    if (as_it_is(byte)) {
      encoded += each;
    } else {
      encoded += {'%', digits[byte >> 4U], digits[byte & 0x0FU]};
    }
  }
  return encoded;
}

}  // namespace baton::grpc::engine

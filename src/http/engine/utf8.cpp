#include "http/engine/utf8.hpp"

#include <array>
#include <cstddef>
#include <cstring>

namespace baton::http::engine {
namespace {

// What may come next. A state's number is where the transitions out of it stand in a row of the
// table: a step is one load and one shift, which does not wait for the load.
enum state : std::uint8_t {
  accept = 0,
  reject = 6,
  last_one = 12,  // one continuation byte
  last_two = 18,
  last_three = 24,
  after_e0 = 30,  // A0..BF: no longer form of what fits in two bytes
  after_ed = 36,  // 80..9F: no surrogates
  after_f0 = 42,  // 90..BF: no longer form of what fits in three bytes
  after_f4 = 48   // 80..8F: nothing beyond U+10FFFF
};

constexpr std::uint8_t states[] = {accept,   reject,   last_one, last_two, last_three,
                                   after_e0, after_ed, after_f0, after_f4};
constexpr std::uint8_t state_mask = 63;

constexpr state next(std::uint8_t from, unsigned byte) noexcept {
  const bool continues = byte >= 0x80 && byte <= 0xbf;
  switch (from) {
    case accept:
      if (byte < 0x80) return accept;
      if (byte >= 0xc2 && byte <= 0xdf) return last_one;
      if (byte == 0xe0) return after_e0;
      if (byte == 0xed) return after_ed;
      if (byte >= 0xe1 && byte <= 0xef) return last_two;
      if (byte == 0xf0) return after_f0;
      if (byte >= 0xf1 && byte <= 0xf3) return last_three;
      if (byte == 0xf4) return after_f4;
      return reject;
    case last_one:
      return continues ? accept : reject;
    case last_two:
      return continues ? last_one : reject;
    case last_three:
      return continues ? last_two : reject;
    case after_e0:
      return continues && byte >= 0xa0 ? last_one : reject;
    case after_ed:
      return continues && byte <= 0x9f ? last_one : reject;
    case after_f0:
      return continues && byte >= 0x90 ? last_two : reject;
    case after_f4:
      return continues && byte <= 0x8f ? last_two : reject;
    default:
      return reject;
  }
}

constexpr auto rows = [] {
  std::array<std::uint64_t, 256> made{};
  for (unsigned byte = 0; byte < made.size(); ++byte)
    for (const auto from : states) made[byte] |= std::uint64_t{next(from, byte)} << from;
  return made;
}();

constexpr std::ptrdiff_t block = 16;

bool ascii_block(const char* at) noexcept {
  std::uint64_t words[2];
  std::memcpy(words, at, sizeof words);
  return ((words[0] | words[1]) & 0x8080808080808080U) == 0;
}

}  // namespace

bool utf8_validator::feed(std::string_view bytes) noexcept {
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  std::uint64_t now = state_;
  while (at != end) {
    if (now == accept)
      while (end - at >= block && ascii_block(at)) at += block;
    const char* const stop = end - at < block ? end : at + block;
    while (at != stop) now = rows[static_cast<unsigned char>(*at++)] >> (now & state_mask);
    now &= state_mask;
    if (now == reject) break;
  }
  state_ = static_cast<std::uint8_t>(now);
  return state_ != reject;
}

}  // namespace baton::http::engine

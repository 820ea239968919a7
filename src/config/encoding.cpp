#include "config/encoding.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>

#include "config/document.hpp"

namespace baton::config {
namespace {

constexpr std::size_t longest_shown = 80;

unsigned char byte(std::string_view text, std::size_t at) noexcept {
  return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
}

/// How many bytes the character has that begins here (RFC 3629); 0: none begins here.
std::size_t character(std::string_view text, std::size_t at) noexcept {
  const auto first = byte(text, at);
  if (first < 0x80) return 1;
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || at + size > text.size()) return 0;
  for (std::size_t i = 1; i < size; ++i)
    if ((byte(text, at + i) & 0xc0U) != 0x80) return 0;
  const auto second = byte(text, at + 1);
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool surrogate = first == 0xed && second >= 0xa0;
  const bool beyond = first == 0xf4 && second >= 0x90;
  return overlong || surrogate || beyond ? 0 : size;
}

bool is_control(unsigned char value) noexcept {
  return (value < 0x20 && value != '\t' && value != '\n' && value != '\r') || value == 0x7f;
}

}  // namespace

std::optional<foreign> foreign_bytes(std::string_view text) {
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff"))
    return foreign{1, "this is UTF-16; write it in UTF-8"};
  unsigned line = 1;
  for (std::size_t at = 0; at < text.size();) {
    const auto value = byte(text, at);
    const auto size = character(text, at);
    if (size == 0)
      return foreign{line,
                     fmt::format("the byte 0x{:02x} is not UTF-8; write the file in UTF-8", value)};
    if (is_control(value))
      return foreign{line, fmt::format("the byte 0x{:02x} does not belong into a text; is it the "
                                       "right file?",
                                       value)};
    if (value == '\n') ++line;
    at += size;
  }
  return std::nullopt;
}

std::string printable(std::string_view text) {
  std::string shown;
  std::size_t at = 0;
  while (at < text.size() && shown.size() < longest_shown) {
    const auto size = character(text, at);
    const auto value = byte(text, at);
    if (size == 0 || is_control(value)) {
      shown += fmt::format("\\x{:02x}", value);
    } else if (value == '\n') {
      shown += "\\n";
    } else if (value == '\r') {
      shown += "\\r";
    } else if (value == '\t') {
      shown += "\\t";
    } else {
      shown.append(text.substr(at, size));
    }
    at += size == 0 ? 1 : size;
  }
  if (at < text.size()) shown += fmt::format("... ({} bytes)", text.size());
  return shown;
}

std::string quoted(std::string_view text) { return fmt::format("'{}'", printable(text)); }

}  // namespace baton::config

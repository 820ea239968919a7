#include "base/escaping.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace baton::escaping {
namespace {

constexpr unsigned first_printable = 0x20;
constexpr unsigned deleted = 0x7f;
constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view hexadecimal = "0123456789abcdef";

/// Bytes that need a look, one table for each way of writing.
using byte_table = std::array<bool, 256>;

constexpr byte_table special(std::string_view also, bool from_0x80) {
  byte_table table{};
  for (unsigned byte = 0; byte < table.size(); ++byte)
    table[byte] = byte < first_printable || byte == deleted || (from_0x80 && byte > deleted);
  for (const char c : also) table[static_cast<unsigned char>(c)] = true;
  return table;
}

constexpr auto special_in_json = special("\"\\", true);
constexpr auto special_in_line = special("", true);
constexpr auto special_in_quotes = special("\"\\", true);
constexpr auto asks_for_quotes = special(" \"\\=", false);

bool holds(const byte_table& table, std::string_view text) noexcept {
  for (const char c : text)
    if (table[static_cast<unsigned char>(c)]) return true;
  return false;
}

/// How many bytes from the beginning of `text` are one character of UTF-8 (RFC 3629 section 4), or
/// 0.
std::size_t character(std::string_view text) noexcept {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned lead = byte(0);
  const std::size_t size = lead < 0x80                    ? 1
                           : lead >= 0xC2 && lead <= 0xDF ? 2
                           : lead >= 0xE0 && lead <= 0xEF ? 3
                           : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                          : 0;
  if (size == 0 || text.size() < size) return 0;
  for (std::size_t at = 1; at < size; ++at)
    if ((byte(at) & 0xC0U) != 0x80) return 0;
  // Longer than needed, a surrogate, or beyond U+10FFFF.
  if (lead == 0xE0 && byte(1) < 0xA0) return 0;
  if (lead == 0xED && byte(1) > 0x9F) return 0;
  if (lead == 0xF0 && byte(1) < 0x90) return 0;
  if (lead == 0xF4 && byte(1) > 0x8F) return 0;
  return size;
}

void append_hexadecimal(std::string& to, unsigned byte) {
  to.push_back(hexadecimal[byte >> 4U]);
  to.push_back(hexadecimal[byte & 0xFU]);
}

/// The letter behind the backslash that JSON, and our lines, have for a control character.
char short_escape(unsigned byte) noexcept {
  switch (byte) {
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    default:
      return 0;
  }
}

void append_control(std::string& to, unsigned byte, std::string_view prefix) {
  to.push_back('\\');
  if (const char letter = short_escape(byte); letter != 0) return to.push_back(letter);
  to.append(prefix);
  append_hexadecimal(to, byte);
}

/// Writes the character that `text` begins with, escaped unless it is one that can be read; how
/// many bytes it has.
std::size_t append_readable(std::string& to, std::string_view text) {
  const auto size = character(text);
  const bool c1 = size == 2 && text[0] == '\xC2' && static_cast<unsigned char>(text[1]) < 0xA0;
  if (size > 1 && !c1) {
    to.append(text.substr(0, size));
    return size;
  }
  append_control(to, static_cast<unsigned char>(text.front()), "x");
  return 1;
}

/// Copies runs of plain bytes; `put` writes what begins with a special one and says how many bytes
/// that were.
template <class Put>
void append(std::string& to, std::string_view text, const byte_table& table, Put put) {
  std::size_t from = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (!table[static_cast<unsigned char>(text[at])]) {
      ++at;
      continue;
    }
    to.append(text, from, at - from);
    at += put(text.substr(at));
    from = at;
  }
  to.append(text, from);
}

}  // namespace

void append_json(std::string& to, std::string_view text) {
  append(to, text, special_in_json, [&to](std::string_view rest) -> std::size_t {
    const unsigned byte = static_cast<unsigned char>(rest.front());
    if (byte == '"' || byte == '\\') {
      to.push_back('\\');
      to.push_back(rest.front());
    } else if (byte < first_printable || byte == deleted) {
      append_control(to, byte, "u00");
    } else {
      const auto size = character(rest);
      to.append(size != 0 ? rest.substr(0, size) : replacement);
      return size != 0 ? size : 1;
    }
    return 1;
  });
}

void append_line(std::string& to, std::string_view text) {
  append(to, text, special_in_line,
         [&to](std::string_view rest) { return append_readable(to, rest); });
}

void append_quoted(std::string& to, std::string_view text) {
  to.push_back('"');
  append(to, text, special_in_quotes, [&to](std::string_view rest) -> std::size_t {
    const char c = rest.front();
    if (c != '"' && c != '\\') return append_readable(to, rest);
    to.push_back('\\');
    to.push_back(c);
    return 1;
  });
  to.push_back('"');
}

void append_ascii(std::string& to, std::string_view text) {
  append(to, text, special_in_quotes, [&to](std::string_view rest) -> std::size_t {
    const char c = rest.front();
    if (c == '"' || c == '\\') {
      to.push_back('\\');
      to.push_back(c);
    } else {
      append_control(to, static_cast<unsigned char>(c), "x");
    }
    return 1;
  });
}

void append_pair(std::string& to, std::string_view key, std::string_view value) {
  append_line(to, key);
  to.push_back('=');
  if (value.empty() || holds(asks_for_quotes, value)) return append_quoted(to, value);
  to.append(value);
}

}  // namespace baton::escaping

#include "baton/http/fields.hpp"

#include <array>

namespace baton::http {
namespace {

constexpr auto token_table = [] {
  std::array<bool, 256> table{};
  for (unsigned c = '0'; c <= '9'; ++c) table[c] = true;
  for (unsigned c = 'a'; c <= 'z'; ++c) table[c] = table[c - 0x20] = true;
  for (const char c : {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'})
    table[static_cast<unsigned char>(c)] = true;
  return table;
}();

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

}  // namespace

bool same_token(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i] != b[i] && lower(a[i]) != lower(b[i])) return false;
  return true;
}

bool valid_field_name(std::string_view text) noexcept {
  for (const unsigned char c : text)
    if (!token_table[c]) return false;
  return !text.empty();
}

bool valid_field_value(std::string_view text) noexcept {
  for (const unsigned char c : text)
    if ((c < 0x20 && c != '\t') || c == 0x7f) return false;
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  return text.empty() || (!blank(text.front()) && !blank(text.back()));
}

field_range::iterator field_range::find(std::string_view name) const noexcept {
  auto at = begin();
  const auto last = end();
  while (at != last && !same_token((*at).name, name)) ++at;
  return at;
}

}  // namespace baton::http

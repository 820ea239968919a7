#include "config/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <limits>

namespace baton::config {
namespace {

struct unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array<unit, 13> size_units{{{"", 1},
                                           {"B", 1},
                                           {"k", 1ULL << 10U},
                                           {"K", 1ULL << 10U},
                                           {"KiB", 1ULL << 10U},
                                           {"m", 1ULL << 20U},
                                           {"M", 1ULL << 20U},
                                           {"MiB", 1ULL << 20U},
                                           {"g", 1ULL << 30U},
                                           {"G", 1ULL << 30U},
                                           {"GiB", 1ULL << 30U},
                                           {"T", 1ULL << 40U},
                                           {"TiB", 1ULL << 40U}}};
constexpr std::array<unit, 6> time_units{
    {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};

bool is_digit(char letter) noexcept { return letter >= '0' && letter <= '9'; }

/// Digits, at most one point among them, then a unit; as a multiple of the smallest unit. Empty
/// also if it is none, or too large to be told exactly.
template <std::size_t Count>
std::optional<std::uint64_t> read_units(std::string_view text,
                                        const std::array<unit, Count>& units) noexcept {
  std::size_t digits = 0;
  while (digits < text.size() && (is_digit(text[digits]) || text[digits] == '.')) ++digits;
  const auto number = text.substr(0, digits);
  const auto name = text.substr(digits);
  const auto* const found =
      std::find_if(units.begin(), units.end(), [&](const unit& each) { return each.name == name; });
  if (found == units.end()) return std::nullopt;
  const auto point = number.find('.');
  const auto whole = read_number(number.substr(0, point));
  if (!whole || *whole > std::numeric_limits<std::uint64_t>::max() / 2 / found->factor)
    return std::nullopt;
  auto total = *whole * found->factor;
  if (point == std::string_view::npos) return total;
  const auto fraction = number.substr(point + 1);
  constexpr std::size_t longest = 6;
  const auto parts = read_number(fraction);
  if (!parts || fraction.size() > longest) return std::nullopt;
  std::uint64_t scale = 1;
  for (std::size_t i = 0; i < fraction.size(); ++i) scale *= 10;
  if (*parts * (found->factor % scale) % scale != 0) return std::nullopt;  // not exact
  total += found->factor / scale * *parts + found->factor % scale * *parts / scale;
  return total;
}

/// `[-+]?(digits[.digits*]|.digits)([eE][-+]?digits)?`
bool is_float(std::string_view text) noexcept {
  std::size_t at = 0;
  const auto sign = [&] {
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
  };
  const auto digits = [&] {
    const auto first = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return at - first;
  };
  sign();
  auto count = digits();
  if (at < text.size() && text[at] == '.') {
    ++at;
    count += digits();
  }
  if (count == 0) return false;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    sign();
    if (digits() == 0) return false;
  }
  return at == text.size();
}

bool is_radix(std::string_view text) noexcept {
  if (text.size() < 3 || text[0] != '0' || (text[1] != 'x' && text[1] != 'o')) return false;
  const bool hexadecimal = text[1] == 'x';
  return std::all_of(text.begin() + 2, text.end(), [&](char each) {
    return hexadecimal
               ? is_digit(each) || (each >= 'a' && each <= 'f') || (each >= 'A' && each <= 'F')
               : each >= '0' && each <= '7';
  });
}

template <std::size_t Count>
std::string write_units(std::uint64_t amount, const std::array<unit, Count>& units) {
  for (const auto& each : units)
    if (amount % each.factor == 0 && amount >= each.factor)
      return fmt::format("{}{}", amount / each.factor, each.name);
  return fmt::format("{}{}", amount, units.back().name);
}

}  // namespace

std::optional<bool> read_boolean(std::string_view text) noexcept {
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  return std::nullopt;
}

std::optional<std::uint64_t> read_number(std::string_view text) noexcept {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<std::int64_t> read_integer(std::string_view text) noexcept {
  std::int64_t number = 0;
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<double> read_ratio(std::string_view text) noexcept {
  double number = 0;
  if (!is_float(text)) return std::nullopt;
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(number))
    return std::nullopt;
  return number;
}

std::optional<std::uint64_t> read_size(std::string_view text) noexcept {
  return read_units(text, size_units);
}

std::optional<milliseconds> read_duration(std::string_view text) noexcept {
  const auto found = read_units(text, time_units);
  if (!found) return std::nullopt;
  return milliseconds{*found};
}

std::optional<std::uint64_t> read_mode(std::string_view text) noexcept {
  std::uint64_t bits = 0;
  if (text.size() < 3 || text.size() > 4) return std::nullopt;
  for (const char each : text) {
    if (each < '0' || each > '7') return std::nullopt;
    bits = bits * 8 + static_cast<std::uint64_t>(each - '0');
  }
  return bits;
}

bool is_no_text(std::string_view plain) noexcept {
  constexpr std::array<std::string_view, 5> nothing{"", "~", "null", "Null", "NULL"};
  constexpr std::array<std::string_view, 12> no_number{".inf",  ".Inf",  ".INF",  "-.inf",
                                                       "-.Inf", "-.INF", "+.inf", "+.Inf",
                                                       "+.INF", ".nan",  ".NaN",  ".NAN"};
  const auto is_in = [&](const auto& words) {
    return std::find(words.begin(), words.end(), plain) != words.end();
  };
  return is_in(nothing) || is_in(no_number) || read_boolean(plain) || is_float(plain) ||
         is_radix(plain);
}

std::string write_size(std::uint64_t bytes) {
  constexpr std::array<unit, 4> units{
      {{"GiB", 1ULL << 30U}, {"MiB", 1ULL << 20U}, {"KiB", 1ULL << 10U}, {"", 1}}};
  return write_units(bytes, units);
}

std::string write_duration(milliseconds time) {
  constexpr std::array<unit, 4> units{{{"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};
  if (time.count() <= 0) return "0s";
  return write_units(static_cast<std::uint64_t>(time.count()), units);
}

std::string write_mode(std::uint64_t bits) { return fmt::format("{:04o}", bits); }

std::string write_ratio(double number) { return fmt::format("{}", number); }

}  // namespace baton::config

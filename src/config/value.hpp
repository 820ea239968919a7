#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace baton::config {

/// How the value of a key is written.
enum class value_kind : std::uint8_t {
  boolean,   // true, false
  number,    // a whole number
  integer,   // the same, also below zero
  ratio,     // a number with a point
  size,      // bytes: 4096, 64k, 16MiB
  duration,  // 30s, 500ms, 5m, 1h, 7d, plain: seconds
  text,
  path,     // of a file, relative to the configuration's own; or PEM text
  choice,   // one of some words
  mode,     // permission bits in octal: 0660
  texts,    // a list
  bounds,   // a list of times, plain: seconds, each greater than the one before
  command,  // a line for /bin/sh -c, or a list: a program and its arguments
  names     // a map from names of the user's choice to texts
};

using milliseconds = std::chrono::milliseconds;
using text_map = std::map<std::string, std::string>;
/// number, size, mode, choice (its index): uint64; integer: int64; ratio: double; text, path:
/// string; bounds: doubles, in seconds; command: arguments, of a line those of the shell; names:
/// text_map. monostate: of a key that may be absent.
using value = std::variant<std::monostate, bool, std::uint64_t, std::int64_t, double, milliseconds,
                           std::string, std::vector<std::string>, std::vector<double>, text_map>;
[[nodiscard]] inline bool is_absent(const value& of) noexcept {
  return std::holds_alternative<std::monostate>(of);
}

// Each reads what is written in a configuration; empty if it is no such thing.
[[nodiscard]] std::optional<bool> read_boolean(std::string_view text) noexcept;
[[nodiscard]] std::optional<std::uint64_t> read_number(std::string_view text) noexcept;
[[nodiscard]] std::optional<std::int64_t> read_integer(std::string_view text) noexcept;
[[nodiscard]] std::optional<double> read_ratio(std::string_view text) noexcept;
[[nodiscard]] std::optional<std::uint64_t> read_size(std::string_view text) noexcept;
[[nodiscard]] std::optional<milliseconds> read_duration(std::string_view text) noexcept;
[[nodiscard]] std::optional<std::uint64_t> read_mode(std::string_view text) noexcept;

/// Whether it is a number, a truth value or nothing in YAML when it stands without quotes (YAML
/// 1.2, core schema), and not a text.
[[nodiscard]] bool is_no_text(std::string_view plain) noexcept;

// What the reader takes back, as short as it is exact.
[[nodiscard]] std::string write_size(std::uint64_t bytes);
[[nodiscard]] std::string write_duration(milliseconds time);
[[nodiscard]] std::string write_mode(std::uint64_t bits);
[[nodiscard]] std::string write_ratio(double number);

}  // namespace baton::config

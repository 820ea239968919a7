#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/document.hpp"
#include "config/key.hpp"
#include "config/value.hpp"

namespace baton::config {

/// A value of `of` that was read, or what is wrong with it.
struct reading {
  value made;
  std::string wrong;  // empty: nothing
};

/// Reads what is written for a key, by the key's kind, range and checks. Secrets are not quoted.
[[nodiscard]] reading read_value(const key& of, const node& from);

/// "1 to 65535", "one of tls_only, tls_or_clear", "0s to 24h"; empty: any.
[[nodiscard]] std::string allowed(const key& of);

/// As it is written in a configuration; masked if it is secret.
[[nodiscard]] std::string written(const key& of, const value& is);
/// The same, unmasked: for comparing only.
[[nodiscard]] std::string exactly(const key& of, const value& is);

/// What stands for a secret.
inline constexpr std::string_view mask = "********";

/// Whether these are /bin/sh -c and a line.
[[nodiscard]] bool is_line(const std::vector<std::string>& arguments) noexcept;

/// PEM text instead of the path of a PEM file.
[[nodiscard]] bool is_pem(std::string_view text) noexcept;

}  // namespace baton::config

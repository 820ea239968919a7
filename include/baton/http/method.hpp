#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace baton::http {

/// The methods of RFC 9110 section 9 and PATCH (RFC 5789). `del` is DELETE, a keyword in C++.
enum class method : std::uint8_t {
  get,
  head,
  post,
  put,
  del,
  patch,
  options,
  connect,
  trace,
  unknown
};

inline constexpr std::size_t method_count = 9;

inline constexpr std::array<std::string_view, method_count> method_names = {
    "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE"};

[[nodiscard]] constexpr std::string_view to_string(method value) noexcept {
  const auto index = static_cast<std::size_t>(value);
  return index < method_count ? method_names[index] : std::string_view{"unknown"};
}

/// Methods are case-sensitive.
[[nodiscard]] constexpr method to_method(std::string_view name) noexcept {
  for (std::size_t i = 0; i < method_count; ++i)
    if (method_names[i] == name) return static_cast<method>(i);
  return method::unknown;
}

}  // namespace baton::http

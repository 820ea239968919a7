#pragma once

#include "baton/config/settings.hpp"
#include "config/binding.hpp"

namespace baton::config {

/// The one table of keys: the map that a configuration is, bound to `settings`. Parser, schema,
/// documentation, masking and the comparison of two configurations read it.
[[nodiscard]] const section& table();
/// With the sections of the extensions that `of` has.
[[nodiscard]] const section& table(const settings& of);

// Its parts.
[[nodiscard]] section server_section();
[[nodiscard]] section supervisor_section();
[[nodiscard]] section shutdown_section();
[[nodiscard]] section upgrade_section();
[[nodiscard]] section limits_section();
[[nodiscard]] section listeners_section();
[[nodiscard]] section protocols_section();
[[nodiscard]] section tls_section();
[[nodiscard]] section logging_section();
[[nodiscard]] section access_log_section();
[[nodiscard]] section health_section();
[[nodiscard]] section metrics_section();
[[nodiscard]] section admin_section();

// Ranges of several keys.
inline constexpr std::uint64_t second = 1000;
inline constexpr std::uint64_t hour = 3600 * second;
inline constexpr std::uint64_t day = 24 * hour;
inline constexpr std::uint64_t kibibyte = 1024;
inline constexpr std::uint64_t mebibyte = 1024 * kibibyte;
inline constexpr std::uint64_t gibibyte = 1024 * mebibyte;
inline constexpr range connection_cap{1, 100'000'000};

// Checks of several keys, for `checked`.
[[nodiscard]] std::string wrong_address(std::string_view text);
[[nodiscard]] std::string wrong_network(std::string_view text);

}  // namespace baton::config

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace baton {

/// *info*: the ordinary course. *notice*: something the operator will want to know afterwards (a
/// signal, a restart, a clamped limit). *error*: something failed.
enum class log_level : std::uint8_t { info, notice, error };

[[nodiscard]] std::string_view to_string(log_level level) noexcept;
/// "info", "notice", "error"; nothing for any other text.
[[nodiscard]] std::optional<log_level> parse_log_level(std::string_view text) noexcept;

/// Records below this level go nowhere: no callback, no subscriber, no file. Thread-safe, at any
/// time.
void set_log_level(log_level least) noexcept;
[[nodiscard]] log_level current_log_level() noexcept;

}  // namespace baton

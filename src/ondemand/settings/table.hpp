#pragma once

#include <array>
#include <string_view>

#include "config/extension.hpp"

namespace baton::ondemand {

/// `gateway` and `services` of a configuration, bound to `settings`.
[[nodiscard]] const config::extension& settings_extension();

// Its parts.
[[nodiscard]] config::section gateway_section();
[[nodiscard]] config::section services_section();

/// Completes every service of the settings that were read; `from` is told what is wrong.
void resolve_services(config::settings& read, config::reader& from);

inline constexpr std::array<std::string_view, 7> stop_signal_words{"TERM", "INT",  "QUIT", "HUP",
                                                                   "USR1", "USR2", "KILL"};

}  // namespace baton::ondemand

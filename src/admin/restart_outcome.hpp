#pragma once

#include <array>
#include <string_view>

#include "baton/base/error.hpp"

namespace baton::admin {

/// A word for each way a restart can end: all values of a label.
inline constexpr std::array<std::string_view, 10> restart_outcomes{
    "handed_over",  "rolled_back", "not_serving",   "executable_missing", "spawn_failed",
    "child_exited", "child_late",  "child_refused", "version_mismatch",   "channel_broken"};

/// Of an attempt that `upgrade_report::outcome` tells of.
[[nodiscard]] std::string_view restart_outcome(const error_code& outcome) noexcept;

}  // namespace baton::admin

#pragma once

#include "apps/ondemand/command_line.hpp"

namespace baton::apps {

/// Asks a gateway that runs, and says what it answers. The exit status: 0, or 1 if it could not be
/// asked or said no, with value, reason and remedy on standard error.
[[nodiscard]] int ask(const command_line& asked);

}  // namespace baton::apps

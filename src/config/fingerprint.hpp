#pragma once

#include <cstdint>

#include "baton/config/settings.hpp"

namespace baton::config {

/// The same for settings that say the same, in every build.
[[nodiscard]] std::uint64_t fingerprint(const settings& of);

}  // namespace baton::config

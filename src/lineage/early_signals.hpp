#pragma once

#include <signal.h>

namespace baton::lineage {

/// What a child starts with blocked; see baton/lineage/early_signals.hpp.
sigset_t early_signals() noexcept;

}  // namespace baton::lineage

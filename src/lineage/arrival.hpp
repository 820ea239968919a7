#pragma once

#include <optional>

#include "baton/base/unique_fd.hpp"
#include "baton/lineage/inheritance.hpp"
#include "lineage/handoff.hpp"

namespace baton::lineage {

/// What a new generation holds once its parent has handed over.
struct arrival {
  inheritance inherited;
  handoff::hello hello;
  unique_fd channel;           ///< to the parent, who waits for our word; may be gone already
  std::uint32_t sequence = 0;  ///< of the last frame we sent
};

/// Takes over from the parent that BATON_HANDOFF names, and removes the variable. Blocks, each wait
/// at most 10 seconds. Nothing if there is no such variable.
///
/// Throws setup_error, after the parent was told: the variable is wrong, no common version, a
/// broken message, or a parent that died or fell silent before every listener was here. A parent
/// that dies later is done without.
std::optional<arrival> arrive();

}  // namespace baton::lineage

#pragma once

#include <atomic>
#include <string_view>

#include "baton/lineage/phase.hpp"

namespace baton::admin {

/// Whether the service should be sent new clients, told by the phases of this generation.
///
/// Invariants: ready from `serving` on; not from the announcement of an exit to the end; a
/// generation that handed over goes on saying ready, since the next one serves at the same door.
/// One thread tells, any may ask.
class readiness {
 public:
  enum class state : std::uint8_t { starting, ready, handed_over, leaving };

  void enter(lineage::phase now_in) noexcept;

  [[nodiscard]] state now() const noexcept { return now_.load(std::memory_order_acquire); }
  [[nodiscard]] bool ready() const noexcept {
    return now() == state::ready || now() == state::handed_over;
  }
  /// Why, for the answer.
  [[nodiscard]] std::string_view reason() const noexcept;

 private:
  std::atomic<state> now_{state::starting};
};

}  // namespace baton::admin

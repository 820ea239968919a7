#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "baton/lineage/generation.hpp"
#include "lineage/handoff.hpp"

namespace baton::lineage {

/// What a parent hands over, cut into the payloads of frames: the counterpart of `intake`. No I/O.
class consignment {
 public:
  explicit consignment(offer what) : offer_{std::move(what)} {}

  struct piece {
    handoff::type kind = handoff::type::complete;
    std::string payload;
    std::vector<int> descriptors;
  };

  /// Why this cannot cross (a limit of handoff.hpp), or an empty string.
  [[nodiscard]] std::string objection() const;
  [[nodiscard]] std::size_t listeners() const noexcept { return offer_.listeners.size(); }
  [[nodiscard]] std::size_t states() const noexcept { return offer_.state.size(); }

  /// Listeners, state, `complete`, then nothing.
  std::optional<piece> next();

 private:
  piece next_listeners();
  piece next_state();

  offer offer_;
  std::size_t listener_ = 0;  ///< the next one
  std::size_t state_ = 0;     ///< the blob that crosses
  std::size_t offset_ = 0;    ///< in it
  bool begun_ = false;        ///< its state_begin was sent
  bool ended_ = false;
};

}  // namespace baton::lineage

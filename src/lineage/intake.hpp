#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "baton/base/error.hpp"
#include "baton/base/unique_fd.hpp"
#include "baton/lineage/inheritance.hpp"
#include "lineage/handoff.hpp"

namespace baton::lineage {

/// Puts together what a parent hands over after its hello. No I/O: frames in, an inheritance out.
///
/// Invariants: holds never more than the limits of handoff.hpp, whatever comes; memory grows with
/// the bytes that came, not with those that were announced. An error is final.
class intake {
 public:
  /// `announced` came in the frame with `sequence`.
  intake(const handoff::hello& announced, std::uint32_t sequence);

  /// Takes the next frame.
  error_code take(const handoff::frame& frame, std::vector<unique_fd> descriptors);

  /// Whether every announced listener is here: from now on the parent can be done without.
  [[nodiscard]] bool has_listeners() const noexcept;
  /// Whether the parent said that this was all.
  [[nodiscard]] bool complete() const noexcept { return complete_; }

  /// What came; a state blob that is not whole is left out.
  inheritance finish();

 private:
  error_code take_listeners(std::string_view payload, std::vector<unique_fd> descriptors);
  error_code take_state_begin(std::string_view payload);
  error_code take_state_bytes(std::string_view payload);
  error_code take_complete() noexcept;
  [[nodiscard]] bool state_is_whole() const noexcept { return missing_ == 0; }

  std::size_t listeners_announced_;
  std::size_t states_announced_;
  std::uint32_t last_sequence_;
  inheritance collected_;
  std::size_t state_bytes_ = 0;  ///< of all blobs, as announced by their state_begin
  std::size_t missing_ = 0;      ///< of the blob that arrives
  bool complete_ = false;
};

}  // namespace baton::lineage

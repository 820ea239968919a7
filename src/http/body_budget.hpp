#pragma once

#include <cstddef>
#include <cstdint>

namespace baton::http {

/// How much the request bodies of one connection hold that are collected whole for their handlers,
/// and which of them may grow (http2_limits::max_collected_bytes).
///
/// Invariants: no more is held than the limit and the largest body that one request may have; as
/// long as handlers answer, the oldest request that is not complete may always go on, so that the
/// others cannot bring each other to a halt.
class body_budget {
 public:
  enum class verdict : std::uint8_t {
    go_on,      ///< the client may send as much again
    hold_back,  ///< it may send what its window still allows
    refuse      ///< there is no room for this request
  };

  explicit body_budget(std::size_t most) noexcept : most_{most} {}

  void add(std::size_t bytes) noexcept { held_ += bytes; }
  /// Whether the oldest of the requests that are not complete may go on.
  [[nodiscard]] verdict judge_oldest() const noexcept {
    return roomy() || serves_few() ? verdict::go_on : beyond(0);
  }
  /// The same of another, while the oldest has so many bytes.
  [[nodiscard]] verdict judge(std::size_t oldest) const noexcept {
    return roomy() ? verdict::go_on : beyond(oldest);
  }
  /// A request is complete: its handler has it now.
  void serve(std::size_t bytes) noexcept { served_ += bytes; }
  /// A request is over; `was_served`: it was complete.
  void give_back(std::size_t bytes, bool was_served) noexcept {
    held_ -= bytes;
    if (was_served) served_ -= bytes;
  }

  /// Every request may go on.
  [[nodiscard]] bool roomy() const noexcept { return held_ <= most_ / 2; }
  /// The handlers hold so little that the oldest request may go on whatever the others hold.
  [[nodiscard]] bool serves_few() const noexcept { return served_ <= most_ / 2; }
  [[nodiscard]] std::size_t held() const noexcept { return held_; }

 private:
  /// What the oldest has is not held against the others.
  [[nodiscard]] verdict beyond(std::size_t oldest) const noexcept {
    return held_ - oldest > most_ ? verdict::refuse : verdict::hold_back;
  }

  std::size_t most_;
  std::size_t held_ = 0;
  std::size_t served_ = 0;  // of `held_`, complete
};

}  // namespace baton::http

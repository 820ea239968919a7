#pragma once

#include <cstdint>
#include <string_view>

namespace baton::http::engine {

/// Says whether bytes that come piece by piece are UTF-8 (RFC 3629), as early as that can be said.
///
/// Invariants: how the bytes are split makes no difference; once something was wrong it stays
/// wrong until `reset`.
class utf8_validator {
 public:
  /// False if `bytes`, behind those before, begin no valid text any more.
  bool feed(std::string_view bytes) noexcept;
  /// Whether the text may end here: not within a character.
  [[nodiscard]] bool complete() const noexcept { return state_ == 0; }
  void reset() noexcept { state_ = 0; }

  /// Whether `bytes` are UTF-8 from beginning to end.
  [[nodiscard]] static bool valid(std::string_view bytes) noexcept {
    utf8_validator whole;
    return whole.feed(bytes) && whole.complete();
  }

 private:
  std::uint8_t state_ = 0;
};

}  // namespace baton::http::engine

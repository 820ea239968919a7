#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace baton::net {

/// The keys of session tickets (RFC 5077, RFC 8446 section 4.6.1) of one listener, in all its
/// generations.
///
/// Invariants: a ticket can be opened for as long as it lives; a key seals for half a ticket's life
/// and is gone when its last ticket has expired; nobody who learns the keys of today can open what
/// was sealed with those that are gone.
///
/// Generations agree without a word: time is cut into periods of half a ticket's life, counted from
/// the epoch of the system's clock, and each has a secret, from which its key is derived, and
/// with it (by HMAC-SHA256, which does not go backwards) the secret of the next. A generation is
/// handed the secret of the oldest period whose tickets still live, and from there computes the
/// same keys as its parent, also those of periods that begin after the handover. Thread-safe.
class ticket_keys {
 public:
  static constexpr std::uint32_t version = 1;
  /// RFC 8446 section 4.6.1: seven days.
  static constexpr std::chrono::seconds longest_lifetime{604'800};

  struct key {
    std::array<unsigned char, 16> name;
    std::array<unsigned char, 32> cipher;  // AES-256-CBC
    std::array<unsigned char, 32> mac;     // HMAC-SHA256
  };
  struct found {
    key with;
    bool current = true;  ///< false: a new ticket should replace this one
  };
  /// Seconds since the epoch of the system's clock.
  using seconds = std::int64_t;

  /// With a secret of its own. `lifetime` is a ticket's. Throws setup_error if the system gives no
  /// random bytes.
  ticket_keys(std::chrono::seconds lifetime, seconds now);
  ~ticket_keys();
  ticket_keys(const ticket_keys&) = delete;
  ticket_keys& operator=(const ticket_keys&) = delete;

  [[nodiscard]] key sealing(seconds now);
  [[nodiscard]] std::optional<found> opening(std::span<const unsigned char, 16> name, seconds now);

  /// Version 1: the period's length in seconds and the number of the oldest period (64 bits each,
  /// big endian), and its secret (32 bytes).
  [[nodiscard]] std::string write(seconds now);
  /// Takes over what `write` wrote. False if this is no such blob, or one for another lifetime:
  /// then clients must shake hands in full once, and nothing else is lost.
  bool read(std::uint32_t written_version, std::string_view blob);

 private:
  using secret = std::array<unsigned char, 32>;
  struct period {
    secret own;
    ticket_keys::key key;
  };
  void advance(seconds now);
  void derive_from(const secret& oldest);
  [[nodiscard]] std::uint64_t at(seconds now) const noexcept;

  const std::uint64_t length_;  // of a period, in seconds
  std::mutex mutex_;
  std::uint64_t oldest_ = 0;  // the number of the first of `periods_`
  std::array<period, 3> periods_{};
};

}  // namespace baton::net

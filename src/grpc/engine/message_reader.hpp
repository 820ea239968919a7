#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace baton::grpc::engine {

/// Takes length-prefixed messages (PROTOCOL-HTTP2, "Length-Prefixed-Message") out of the pieces of
/// a body.
///
/// Invariants: the same bytes give the same messages however they were split; a message that came
/// in one piece is not copied; memory grows with the bytes that came, not with the length that was
/// announced.
class message_reader {
 public:
  enum class verdict : std::uint8_t {
    hungry,     ///< `input` is used up and the message is not complete
    complete,   ///< `bytes` is a message; go on with what is left of `input`
    too_large,  ///< longer than `most`: see `announced`; nothing may follow
    malformed   ///< the flags are none that gRPC knows; nothing may follow
  };

  /// Messages of up to `most` bytes, as they are carried.
  explicit message_reader(std::size_t most) noexcept : most_{most} {}

  /// Takes from the front of `input` up to the end of the next message.
  [[nodiscard]] verdict next(std::string_view& input);

  /// The message, until the next call of `next`, or the end of the input.
  [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }
  /// It is packed as grpc-encoding says.
  [[nodiscard]] bool packed() const noexcept { return prefix_[0] != 0; }
  /// Its length as its prefix says.
  [[nodiscard]] std::size_t announced() const noexcept;
  /// A message has begun and is not complete: a body must not end here.
  [[nodiscard]] bool within() const noexcept { return prefix_size_ != 0; }

 private:
  [[nodiscard]] bool take_prefix(std::string_view& input) noexcept;
  void finish(std::string_view message) noexcept;

  static constexpr std::size_t prefix_length = 5;

  std::size_t most_;
  std::array<unsigned char, prefix_length> prefix_{};
  std::size_t prefix_size_ = 0;
  std::string gathered_;
  std::string_view bytes_;
};

/// Appends what stands before a message of this length. Throws std::length_error for 4 GiB and
/// more.
void append_prefix(std::string& to, std::size_t length, bool packed);
/// Appends a message with its prefix. Throws std::length_error for 4 GiB and more.
void append_message(std::string& to, std::string_view message, bool packed);

}  // namespace baton::grpc::engine

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace bench {

/// The messages of a run: all alike but for a number at their beginning, so that an echo of
/// another message is not taken for the right one.
class echo_message {
 public:
  static constexpr std::size_t number_size = 8;

  echo_message(std::size_t size, bool binary) : opcode_{static_cast<std::uint8_t>(binary ? 2 : 1)} {
    payload_.resize(size);
    for (std::size_t i = 0; i < size; ++i)
      payload_[i] = binary ? static_cast<char>(i * 7 + 128) : static_cast<char>('a' + i % 26);
    frame_ = header(opcode_, size, 0x80);
    frame_.append(key, sizeof key);
    masked_ = frame_.size();
    for (std::size_t i = 0; i < size; ++i) frame_ += static_cast<char>(payload_[i] ^ key[i % 4]);
  }

  /// Appends message `number`, masked.
  void append(std::uint32_t number, std::string& to) const {
    const auto at = to.size() + masked_;
    to += frame_;
    char digits[number_size];
    write(number, digits);
    for (std::size_t i = 0; i < stamped(); ++i)
      to[at + i] = static_cast<char>(digits[i] ^ key[i % 4]);
  }
  /// Whether `piece` is what stands at `offset` of message `number`.
  [[nodiscard]] bool is(std::uint32_t number, std::size_t offset,
                        std::string_view piece) const noexcept {
    if (offset < stamped()) {
      char digits[number_size];
      write(number, digits);
      const auto size = std::min(piece.size(), stamped() - offset);
      if (std::memcmp(piece.data(), digits + offset, size) != 0) return false;
      piece.remove_prefix(size);
      offset += size;
    }
    return piece.empty() || std::memcmp(piece.data(), payload_.data() + offset, piece.size()) == 0;
  }
  [[nodiscard]] std::size_t size() const noexcept { return payload_.size(); }
  [[nodiscard]] std::uint8_t opcode() const noexcept { return opcode_; }

  /// A control frame, masked.
  static std::string control(std::uint8_t opcode, std::string_view payload) {
    auto made = header(opcode, payload.size(), 0x80);
    made.append(key, sizeof key);
    for (std::size_t i = 0; i < payload.size(); ++i)
      made += static_cast<char>(payload[i] ^ key[i % 4]);
    return made;
  }

 private:
  static constexpr char key[4] = {0x37, 0x5a, 0x21, 0x3d};

  static std::string header(std::uint8_t opcode, std::uint64_t size, int mask) {
    std::string made{static_cast<char>(0x80 | opcode)};
    const int more = size < 126 ? 0 : size < 65536 ? 2 : 8;
    made += static_cast<char>(mask | (more == 0 ? static_cast<int>(size) : more == 2 ? 126 : 127));
    for (int i = more; i-- > 0;) made += static_cast<char>(size >> (8 * i));
    return made;
  }
  [[nodiscard]] std::size_t stamped() const noexcept {
    return std::min(payload_.size(), number_size);
  }
  /// The lowest digit first, so that short messages differ too.
  static void write(std::uint32_t number, char* digits) noexcept {
    for (std::size_t i = 0; i < number_size; ++i, number >>= 4U)
      digits[i] = "0123456789abcdef"[number & 15U];
  }

  std::string payload_;
  std::string frame_;
  std::size_t masked_ = 0;  // where the payload begins in the frame
  std::uint8_t opcode_;
};

/// Reads a server's frames as they come, and compares data with the message expected next.
class echo_reader {
 public:
  enum class verdict : std::uint8_t { more, echo, ping, pong, close, bad_frame, wrong_echo };

  /// Takes bytes from `at`; after anything but `more` there may be further frames.
  verdict feed(const char*& at, const char* end, const echo_message& expected,
               std::uint32_t number) {
    for (;;) {
      while (head_size_ < needed()) {
        if (at == end) return verdict::more;
        head_[head_size_++] = *at++;
        if (head_size_ == needed() && !begin(expected)) return verdict::bad_frame;
      }
      const auto size = std::min<std::uint64_t>(left_, static_cast<std::uint64_t>(end - at));
      const std::string_view piece{at, size};
      at += size;
      left_ -= size;
      if (control_frame()) {
        control_ += piece;
      } else if (!expected.is(number, offset_, piece)) {
        return verdict::wrong_echo;
      } else {
        offset_ += size;
      }
      if (left_ != 0) return verdict::more;
      head_size_ = 0;
      if (control_frame()) return kind_of_control();
      if (fin()) return offset_ == expected.size() ? end_of_message() : verdict::wrong_echo;
    }
  }
  [[nodiscard]] const std::string& control() const noexcept { return control_; }
  void reset() noexcept {
    head_size_ = 0;
    offset_ = 0;
    within_ = false;
  }

 private:
  [[nodiscard]] std::uint8_t opcode() const noexcept {
    return static_cast<std::uint8_t>(head_[0]) & 15U;
  }
  [[nodiscard]] bool fin() const noexcept { return (head_[0] & 0x80) != 0; }
  [[nodiscard]] bool control_frame() const noexcept { return (opcode() & 8U) != 0; }
  [[nodiscard]] verdict kind_of_control() const noexcept {
    return opcode() == 8 ? verdict::close : opcode() == 9 ? verdict::ping : verdict::pong;
  }
  verdict end_of_message() noexcept {
    offset_ = 0;
    within_ = false;
    return verdict::echo;
  }
  [[nodiscard]] std::size_t needed() const noexcept {
    if (head_size_ < 2) return 2;
    return head_[1] == 126 ? 4 : head_[1] == 127 ? 10 : 2;
  }
  bool begin(const echo_message& expected) {
    const auto first = static_cast<std::uint8_t>(head_[0]);
    const auto second = static_cast<std::uint8_t>(head_[1]);
    if ((first & 0x70U) != 0 || (second & 0x80U) != 0) return false;
    left_ = second;
    if (second >= 126) {
      left_ = 0;
      for (std::size_t i = 2; i < needed(); ++i)
        left_ = left_ << 8U | static_cast<std::uint8_t>(head_[i]);
      if (left_ < (second == 126 ? 126U : 65536U)) return false;
    }
    if (control_frame()) {
      control_.clear();
      return fin() && opcode() <= 10 && left_ <= 125;
    }
    if (opcode() != (within_ ? 0 : expected.opcode())) return false;
    within_ = true;
    return left_ <= expected.size() - offset_;
  }

  char head_[10] = {};
  std::uint8_t head_size_ = 0;
  bool within_ = false;     // a message of several frames
  std::uint64_t left_ = 0;  // of the frame
  std::size_t offset_ = 0;  // of the message
  std::string control_;
};

}  // namespace bench

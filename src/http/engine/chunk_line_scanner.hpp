#pragma once

#include <cstdint>

namespace baton::http::engine {

/// Steps over [CRLF] chunk-size [chunk-ext] CRLF, byte by byte (RFC 9112 section 7.1): keeps out
/// what Beast's parser, which gets the line afterwards, would read generously, and finds its end.
class chunk_line_scanner {
 public:
  /// Before the first chunk of a message.
  void begin_body() noexcept {
    begin_line();
    extension_bytes_ = 0;
  }
  /// Behind a chunk's data, whose CRLF comes first.
  void begin_gap() noexcept { step_ = step::gap_cr; }

  /// False if `byte` may not stand there.
  bool step_over(char byte) noexcept {
    switch (step_) {
      case step::gap_cr:
        step_ = step::gap_lf;
        return byte == '\r';
      case step::gap_lf:
        begin_line();
        return byte == '\n';
      case step::first_digit:
      case step::digits:
        if (hexadecimal(byte)) {
          step_ = step::digits;
          if (byte != '0') last_chunk_ = false;
          return ++digits_ <= max_digits;
        }
        if (step_ == step::first_digit) return false;
        step_ = byte == '\r' ? step::line_feed : step::extension;
        return byte == '\r' || byte == ';';
      case step::extension:
        if (byte == '\r') {
          step_ = step::line_feed;
          return true;
        }
        if (++extension_bytes_ > max_extension_bytes) return false;
        return byte == '\t' || (static_cast<unsigned char>(byte) >= 0x20 && byte != 0x7f);
      case step::line_feed:
        return byte == '\n';
    }
    return false;
  }
  /// The next byte ends the line.
  [[nodiscard]] bool at_line_feed() const noexcept { return step_ == step::line_feed; }
  /// Only zeros in the size so far.
  [[nodiscard]] bool last_chunk() const noexcept { return last_chunk_; }

 private:
  enum class step : std::uint8_t { gap_cr, gap_lf, first_digit, digits, extension, line_feed };
  static constexpr std::uint8_t max_digits = 16;
  // All chunk extensions of a message together: they cost us work and carry nothing.
  static constexpr std::uint32_t max_extension_bytes = 4096;

  static bool hexadecimal(char c) noexcept {
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
  }
  void begin_line() noexcept {
    step_ = step::first_digit;
    digits_ = 0;
    last_chunk_ = true;
  }

  std::uint32_t extension_bytes_ = 0;
  step step_ = step::first_digit;
  std::uint8_t digits_ = 0;
  bool last_chunk_ = true;
};

}  // namespace baton::http::engine

#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace baton::http {

/// Where a line is put together, part by part, many thousand times a second: like a string, but
/// that the space is asked for once and nothing is checked in between.
class line_buffer {
 public:
  /// Begins anew, with room for `size` bytes.
  void begin(std::size_t size) {
    if (size > size_) {
      bytes_ = std::make_unique_for_overwrite<char[]>(size);
      size_ = size;
    }
    at_ = bytes_.get();
  }
  [[nodiscard]] std::string_view view() const noexcept {
    return {bytes_.get(), static_cast<std::size_t>(at_ - bytes_.get())};
  }

  void put(char c) noexcept { *at_++ = c; }
  void put(std::string_view text) noexcept { at_ = std::copy(text.begin(), text.end(), at_); }
  void put(std::uint64_t number) noexcept { at_ = std::to_chars(at_, at_ + 20, number).ptr; }

  /// At most this much is made of a byte.
  static constexpr std::size_t most_escaped = 6;
  /// `text` as `escape` (of escaping.hpp) writes it.
  template <class Escape>
  void put_escaped(std::string_view text, Escape escape) {
    if (plain(text)) [[likely]]
      return put(text);
    spare_.clear();
    escape(spare_, text);
    put(std::string_view{spare_});
  }

 private:
  /// Whether all is printable ASCII without '"' and '\\': eight bytes at a time.
  static bool plain(std::string_view text) noexcept {
    if (text.empty()) return true;
    constexpr std::uint64_t ones = 0x0101010101010101;
    constexpr std::uint64_t highs = ones << 7U;
    const auto special = [](std::uint64_t word) {
      // A byte of `x` that is 0 has its high bit set in the result (and maybe one above it).
      const auto has_zero = [](std::uint64_t x) { return (x - ones) & ~x; };
      return ((word - ones * 0x20) | has_zero(word ^ ones * '"') | has_zero(word ^ ones * '\\') |
              has_zero(word ^ ones * 0x7F) | word) &
             highs;
    };
    std::uint64_t word = 0;
    while (text.size() >= sizeof word) {
      std::memcpy(&word, text.data(), sizeof word);
      if (special(word) != 0) return false;
      text.remove_prefix(sizeof word);
    }
    word = ones * ' ';
    std::memcpy(&word, text.data(), text.size());
    return special(word) == 0;
  }

  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
  char* at_ = nullptr;
  std::string spare_;
};

}  // namespace baton::http

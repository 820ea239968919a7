#pragma once

#include <charconv>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

namespace baton::http {

/// Bytes on their way out, shared by all connections of a thread: grows, and is emptied, not freed.
class output_buffer {
 public:
  /// Room for `more` bytes, so that `put` need not ask.
  void reserve(std::size_t more) {
    if (size_ + more > capacity_) grow(size_ + more);
  }
  /// Only after `reserve`.
  void put(std::string_view text) noexcept {
    if (text.empty()) return;
    std::memcpy(bytes_.get() + size_, text.data(), text.size());
    size_ += text.size();
  }
  void put_number(std::uint64_t number, int base = 10) noexcept {
    char* const at = bytes_.get() + size_;
    size_ += static_cast<std::size_t>(std::to_chars(at, at + 20, number, base).ptr - at);
  }
  void append(std::string_view text) {
    reserve(text.size());
    put(text);
  }
  void clear() noexcept {
    size_ = 0;
    if (capacity_ > kept) {
      bytes_.reset();
      capacity_ = 0;
    }
  }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::string_view view() const noexcept { return {bytes_.get(), size_}; }

 private:
  static constexpr std::size_t kept = std::size_t{256} * 1024;

  void grow(std::size_t needed) {
    const auto capacity = needed < 4096 ? std::size_t{4096} : needed * 2;
    auto larger = std::make_unique_for_overwrite<char[]>(capacity);
    if (size_ != 0) std::memcpy(larger.get(), bytes_.get(), size_);
    bytes_ = std::move(larger);
    capacity_ = capacity;
  }

  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace baton::http

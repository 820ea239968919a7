#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

namespace baton::http::engine {

/// Bytes being gathered by whoever writes them in place; what was not written yet holds nothing.
class scratch {
 public:
  scratch() = default;
  scratch(scratch&& other) noexcept { swap(other); }
  scratch& operator=(scratch&& other) noexcept {
    scratch{std::move(other)}.swap(*this);
    return *this;
  }
  ~scratch() = default;

  /// Where the next bytes go: room for `least` of them. Throws std::bad_alloc.
  [[nodiscard]] char* spare(std::size_t least) {
    if (capacity_ - size_ < least) reserve(std::max(size_ + least, capacity_ * 2));
    return bytes_.get() + size_;
  }
  /// So many of them were written.
  void wrote(std::size_t count) noexcept { size_ += count; }
  void drop_last(std::size_t count) noexcept { size_ -= count; }

  void reserve(std::size_t capacity) {
    if (capacity <= capacity_) return;
    // realloc(3) moves large memory without a copy.
    auto* const larger = static_cast<char*>(std::realloc(bytes_.get(), capacity));
    if (larger == nullptr) throw std::bad_alloc{};
    static_cast<void>(bytes_.release());
    bytes_.reset(larger);
    capacity_ = capacity;
  }

  /// Empties it; more memory than `kept` goes back to the system.
  void clear(std::size_t kept) noexcept {
    size_ = 0;
    if (capacity_ <= kept) return;
    bytes_.reset();
    capacity_ = 0;
  }
  void clear() noexcept { size_ = 0; }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::string_view view() const noexcept { return {bytes_.get(), size_}; }

 private:
  struct release {
    void operator()(char* bytes) const noexcept { std::free(bytes); }
  };
  void swap(scratch& other) noexcept {
    bytes_.swap(other.bytes_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

  std::unique_ptr<char, release> bytes_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace baton::http::engine

#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <span>

namespace baton::net {

/// The parts of a message, as if they were one.
class plaintext {
 public:
  plaintext(const iovec* parts, int count) noexcept
      : parts_{parts, static_cast<std::size_t>(count)} {
    skip_empty();
  }
  [[nodiscard]] bool empty() const noexcept { return parts_.empty(); }
  [[nodiscard]] bool last() const noexcept { return parts_.size() == 1; }
  [[nodiscard]] std::span<const char> front() const noexcept {
    return {static_cast<const char*>(parts_[0].iov_base) + offset_, parts_[0].iov_len - offset_};
  }
  void advance(std::size_t size) noexcept {
    offset_ += size;
    if (offset_ != parts_[0].iov_len) return;
    parts_ = parts_.subspan(1);
    offset_ = 0;
    skip_empty();
  }

  /// Fills one record from several parts. Of a long part only as much is copied as would not fill
  /// a record at its end.
  std::span<const char> gather(std::span<char> into) noexcept {
    std::size_t filled = 0;
    while (!empty() && filled < into.size()) {
      const auto part = front();
      auto size = part.size();
      const bool fits = size % into.size() <= into.size() - filled;
      const bool large = size >= into.size();
      if (large && fits) size %= into.size();
      size = std::min(size, into.size() - filled);
      std::copy_n(part.data(), size, into.data() + filled);
      filled += size;
      if (size != 0) advance(size);
      if (large) break;
    }
    return into.first(filled);
  }

 private:
  void skip_empty() noexcept {
    while (!parts_.empty() && parts_[0].iov_len == 0) parts_ = parts_.subspan(1);
  }
  std::span<const iovec> parts_;
  std::size_t offset_ = 0;
};

}  // namespace baton::net

#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace baton::http {

/// Bytes that wait for a slow client, in their order: copied ones, and strings by reference.
class send_queue {
 public:
  void append(std::string_view bytes);
  /// Without its first `skip` bytes.
  void append(std::shared_ptr<const std::string> bytes, std::size_t skip);

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

  /// Fills in what comes first, as sendmsg(2) wants it; how many parts it is, at most `most`.
  [[nodiscard]] std::size_t front(iovec* parts, std::size_t most) const noexcept;
  /// So many bytes of it were sent.
  void consume(std::size_t count) noexcept;

 private:
  struct part {
    std::string own;
    std::shared_ptr<const std::string> shared;  // null: `own`
    std::size_t sent = 0;

    [[nodiscard]] std::string_view left() const noexcept {
      return std::string_view{shared != nullptr ? *shared : own}.substr(sent);
    }
  };

  std::vector<part> parts_;
  std::size_t first_ = 0;  // those before it are gone
  std::size_t size_ = 0;
};

}  // namespace baton::http

#pragma once

#include <utility>

namespace baton {

/// Owns one file descriptor and closes it exactly once. Move-only; not thread-safe.
class unique_fd {
 public:
  unique_fd() = default;
  explicit unique_fd(int fd) noexcept : fd_{fd} {}
  unique_fd(unique_fd&& other) noexcept : fd_{other.release()} {}
  unique_fd& operator=(unique_fd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  unique_fd(const unique_fd&) = delete;
  unique_fd& operator=(const unique_fd&) = delete;
  ~unique_fd() { reset(); }

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] bool valid() const noexcept { return fd_ >= 0; }
  explicit operator bool() const noexcept { return valid(); }

  /// Gives the descriptor up without closing it.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

  /// Closes what is held (close(2); errno is preserved) and takes `fd` instead.
  void reset(int fd = -1) noexcept;

  /// A second descriptor for the same open file, close-on-exec, numbered 10 or above so that it
  /// never collides with the numbers handed to a child (fcntl(2) F_DUPFD_CLOEXEC). Invalid on
  /// failure, with errno set.
  [[nodiscard]] unique_fd duplicate() const noexcept;

 private:
  int fd_ = -1;
};

}  // namespace baton

#pragma once

#include <sys/stat.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "baton/base/unique_fd.hpp"

namespace baton {

/// Where lines are appended: standard error, or a file by its path.
///
/// Invariants: what one `write` takes reaches the file in one write(2), undivided; a reader that
/// does not read holds nobody for longer than `patience`. Used by one thread at a time.
class log_file {
 public:
  /// How long a pipe that is full is waited for before its writer looks around.
  static constexpr std::chrono::milliseconds patience{100};

  /// Standard error; it stays open.
  log_file();
  /// Opened for appending, made with mode 0640 if it is not there. Throws setup_error that calls it
  /// `what` ("the log file").
  log_file(std::string path, std::string_view what);

  /// Bytes taken, or -1 with errno (EAGAIN: nothing was taken within `patience`). Fewer than all
  /// only if the disk is full, or if there were more than `batch_size`.
  [[nodiscard]] ssize_t write(std::string_view lines) noexcept;
  /// The most bytes that go in one write(2).
  [[nodiscard]] std::size_t batch_size() const noexcept { return batch_size_; }

  /// Whether the path names another file by now. (If it names none, nobody knows yet.)
  [[nodiscard]] bool replaced() const noexcept;

  /// Empty for standard error.
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// For messages.
  [[nodiscard]] std::string name() const;

 private:
  void examine() noexcept;

  std::string path_;
  unique_fd own_;
  int fd_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  std::size_t batch_size_ = 0;
  bool may_block_ = true;
};

}  // namespace baton

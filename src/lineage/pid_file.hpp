#pragma once

#include <sys/types.h>

#include <string>

#include "baton/base/error.hpp"

namespace baton::lineage {

/// A file that holds one pid and a newline.
///
/// Invariants: a reader sees the old content or the new one, never a part (rename(2)); the file is
/// removed only while it still names the pid that removes it. An empty path means no file: every
/// call succeeds and does nothing. Not thread-safe.
class pid_file {
 public:
  pid_file() = default;
  explicit pid_file(std::string path) : path_{std::move(path)} {}

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  /// Throws setup_error if `write` could not succeed: for before the start.
  void check_writable() const;
  /// Writes `pid` through a temporary file in the same directory, mode 0644. Throws setup_error.
  void write(pid_t pid) const;
  /// The pid in the file; 0 if there is no file or it holds none.
  [[nodiscard]] pid_t read() const noexcept;
  /// Removes the file if it still holds `pid`.
  error_code remove(pid_t pid) const noexcept;

 private:
  std::string path_;
};

}  // namespace baton::lineage

#pragma once

#include <cstddef>
#include <string>

namespace baton::config {

/// What a file has, or why it cannot be had.
struct file_text {
  std::string bytes;
  std::string wrong;  // empty: it was read
};

/// Reads a regular file of at most `most` bytes; never waits for a pipe or a device.
[[nodiscard]] file_text read_file(const std::string& path, std::size_t most);

}  // namespace baton::config

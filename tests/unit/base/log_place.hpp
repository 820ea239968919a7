#pragma once

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "baton/base/unique_fd.hpp"

namespace baton::test {

inline std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream from{text};
  std::vector<std::string> lines;
  for (std::string line; std::getline(from, line);) lines.push_back(line);
  return lines;
}

/// A directory that goes with its test.
class folder {
 public:
  folder() {
    std::string name = (std::filesystem::temp_directory_path() / "baton-log-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;

  [[nodiscard]] std::string file(const std::string& name) const { return path_ / name; }
  [[nodiscard]] std::string content(const std::string& name) const {
    std::ifstream from{file(name)};
    return {std::istreambuf_iterator<char>{from}, {}};
  }
  [[nodiscard]] std::vector<std::string> lines(const std::string& name) const {
    return lines_of(content(name));
  }
  void move(const std::string& from, const std::string& to) const {
    std::filesystem::rename(file(from), file(to));
  }

 private:
  std::filesystem::path path_;
};

/// A named pipe whose reader reads when the test says so.
class stopped_reader {
 public:
  explicit stopped_reader(const std::string& path) {
    if (::mkfifo(path.c_str(), 0600) != 0) std::abort();
    fd_.reset(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  }

  /// Takes what is there.
  void read() {
    char bytes[65536];
    for (ssize_t got = 1; got > 0;) {
      got = ::read(fd_.get(), bytes, sizeof bytes);
      if (got > 0) text_.append(bytes, static_cast<std::size_t>(got));
    }
  }
  /// Reads until there is a line that holds `part`; false after `patience`.
  bool read_until(const std::string& part, int patience_ms = 30'000) {
    for (read(); text_.find(part) == std::string::npos; read()) {
      pollfd ready{fd_.get(), POLLIN, 0};
      if (::poll(&ready, 1, patience_ms) <= 0) return false;
    }
    return true;
  }
  [[nodiscard]] std::vector<std::string> lines() const { return lines_of(text_); }
  void close() { fd_.reset(); }

 private:
  unique_fd fd_;
  std::string text_;
};

inline std::size_t count_with(const std::vector<std::string>& lines, const std::string& part) {
  return static_cast<std::size_t>(std::count_if(lines.begin(), lines.end(), [&](const auto& line) {
    return line.find(part) != std::string::npos;
  }));
}

}  // namespace baton::test

#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

namespace baton::ondemand {

/// The last lines of a program's output, for whoever wants to know why it failed.
class output_tail {
 public:
  static constexpr std::size_t max_lines = 64;
  static constexpr std::size_t max_bytes = std::size_t{16} * 1024;

  void add(std::string_view line);
  /// The lines, each with its line end.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool empty() const noexcept { return lines_.empty(); }

 private:
  std::deque<std::string> lines_;
  std::size_t bytes_ = 0;
};

}  // namespace baton::ondemand

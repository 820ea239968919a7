#include "ondemand/process/output_tail.hpp"

namespace baton::ondemand {

void output_tail::add(std::string_view line) {
  line = line.substr(0, max_bytes - 1);
  bytes_ += line.size() + 1;
  lines_.emplace_back(line);
  while (lines_.size() > max_lines || bytes_ > max_bytes) {
    bytes_ -= lines_.front().size() + 1;
    lines_.pop_front();
  }
}

std::string output_tail::text() const {
  std::string all;
  all.reserve(bytes_);
  for (const auto& line : lines_) {
    all += line;
    all += '\n';
  }
  return all;
}

}  // namespace baton::ondemand

#include "baton/config/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace baton::config {
namespace {

std::string lines(const std::vector<problem>& all) {
  std::string text;
  const auto shown = std::min(all.size(), config_error::most_lines);
  for (std::size_t i = 0; i < shown; ++i) {
    if (i != 0) text += '\n';
    text += all[i].to_string();
  }
  if (shown < all.size()) text += fmt::format("\nand {} more", all.size() - shown);
  return text;
}

}  // namespace

std::string problem::to_string() const {
  std::string text = source;
  if (line != 0) text += fmt::format(":{}", line);
  if (!text.empty()) text += ": ";
  if (!key.empty()) text += key + ": ";
  return text + sentence;
}

config_error::config_error(std::vector<problem> found)
    : setup_error{lines(found)}, problems_{std::move(found)} {}

}  // namespace baton::config

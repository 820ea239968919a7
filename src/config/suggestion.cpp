#include "config/suggestion.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace baton::config {
namespace {

constexpr std::size_t longest = 64;  // no key is longer; what is, is near to none

}  // namespace

std::size_t edit_distance(std::string_view one, std::string_view other) {
  one = one.substr(0, longest);
  other = other.substr(0, longest);
  using row = std::array<std::size_t, longest + 1>;
  row before{};
  row above{};
  row current{};
  for (std::size_t j = 0; j <= other.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= one.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= other.size(); ++j) {
      const std::size_t differs = one[i - 1] == other[j - 1] ? 0 : 1;
      current[j] = std::min({above[j] + 1, current[j - 1] + 1, above[j - 1] + differs});
      const bool swapped =
          i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1];
      if (swapped) current[j] = std::min(current[j], before[j - 2] + 1);
    }
    before = above;
    above = current;
  }
  return above[other.size()];
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known) {
  if (word.size() > longest) return {};
  std::string_view best;
  auto least = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const auto each : known) {
    const auto distance = edit_distance(word, each);
    // Two words of two letters are no neighbours.
    if (distance < least && distance < std::max(word.size(), each.size()) / 2 + 1) {
      least = distance;
      best = each;
    }
  }
  return best;
}

}  // namespace baton::config

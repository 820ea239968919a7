#include "ondemand/process/duration_text.hpp"

#include <fmt/format.h>

namespace baton::ondemand {

std::string in_words(std::chrono::milliseconds time) {
  const auto count = time.count();
  if (count < 1000) return fmt::format("{} ms", count);
  const auto tenths = count / 100;
  if (count < 60'000)
    return tenths % 10 == 0 ? fmt::format("{} s", tenths / 10)
                            : fmt::format("{}.{} s", tenths / 10, tenths % 10);
  const auto seconds = count / 1000;
  return seconds % 60 == 0 ? fmt::format("{} min", seconds / 60)
                           : fmt::format("{} min {} s", seconds / 60, seconds % 60);
}

}  // namespace baton::ondemand

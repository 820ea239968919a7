#pragma once

#include <chrono>
#include <string>

namespace baton::ondemand {

/// For messages: "250 ms", "3.2 s", "30 s", "2 min", "1 min 30 s".
[[nodiscard]] std::string in_words(std::chrono::milliseconds time);

}  // namespace baton::ondemand

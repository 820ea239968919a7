#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "baton/http/response.hpp"

namespace baton::ondemand {

/// What a visitor is shown instead of what he asked for.
struct visitor_page {
  static constexpr std::size_t most_bytes = std::size_t{8} * 1024;

  unsigned status = 503;
  std::string heading = {};
  std::vector<std::string> sentences = {};
  /// Where the service stands; empty: that is not of interest.
  std::string state = {};
  std::chrono::milliseconds elapsed{0};  ///< in that state
  std::string progress = {};
  /// The last lines that it wrote; more than fits is cut off at the front.
  std::string output = {};
  /// Where the page asks when it should reload itself; empty: it does not.
  std::string poll = {};
};

/// A page of its own: nothing else is fetched for it, it runs no script but its own, it may not be
/// stored, indexed or framed, and has no more than `most_bytes`. Whatever is told is escaped.
[[nodiscard]] http::response answer_with(const visitor_page& what);

/// Text as the inside of an element, or of a quoted attribute.
[[nodiscard]] std::string escape_html(std::string_view text);

}  // namespace baton::ondemand

#include "ondemand/faces/negotiation.hpp"

#include <algorithm>
#include <optional>

#include "baton/http/fields.hpp"

namespace baton::ondemand {
namespace {

using http::same_token;

constexpr int whole = 1000;

std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view space = " \t";
  const auto from = text.find_first_not_of(space);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(space) - from + 1);
}

/// Takes what stands before the next `separator` off the front of `text`.
std::string_view take(std::string_view& text, char separator) noexcept {
  const auto end = std::min(text.find(separator), text.size());
  const auto piece = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return trimmed(piece);
}

/// "0.75" is 750; what is no weight counts as none given.
int weight(std::string_view text) noexcept {
  if (text.empty() || text.front() != '0') return whole;
  int value = 0;
  int place = whole;
  for (const char digit : text.substr(std::min<std::size_t>(2, text.size()))) {
    place /= 10;
    if (digit < '0' || digit > '9') return whole;
    value += place * (digit - '0');
  }
  return value;
}

/// What `accept` gives the type by its very name; nothing: it does not name it.
std::optional<int> wanted(std::string_view accept, std::string_view type) noexcept {
  while (!accept.empty()) {
    auto range = take(accept, ',');
    if (!same_token(take(range, ';'), type)) continue;
    while (!range.empty()) {
      const auto parameter = take(range, ';');
      if (parameter.size() > 2 && (parameter[0] == 'q' || parameter[0] == 'Q') &&
          parameter[1] == '=')
        return weight(parameter.substr(2));
    }
    return whole;
  }
  return std::nullopt;
}

}  // namespace

bool accepts_page(std::string_view accept, std::string_view fetch_mode) noexcept {
  if (!fetch_mode.empty() && !same_token(fetch_mode, "navigate")) return false;
  const auto page = wanted(accept, "text/html");
  return page && *page > 0 && *page >= wanted(accept, "application/json").value_or(0);
}

bool wants_page(const http::request& asked) noexcept {
  return asked.method() == http::method::get && asked.upgrade().empty() &&
         accepts_page(asked.header("Accept"), asked.header("Sec-Fetch-Mode"));
}

}  // namespace baton::ondemand

#pragma once

#include <string_view>

namespace baton::http::client {

/// Calls `call` with each member of a comma-separated list, without the white space around it;
/// empty members are passed over (RFC 9110 section 5.6.1).
template <class Call>
void for_each_token(std::string_view list, Call call) {
  constexpr std::string_view blank = " \t";
  while (!list.empty()) {
    const auto comma = list.find(',');
    auto token = list.substr(0, comma);
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    const auto first = token.find_first_not_of(blank);
    if (first == std::string_view::npos) continue;
    token.remove_prefix(first);
    token.remove_suffix(token.size() - 1 - token.find_last_not_of(blank));
    call(token);
  }
}

}  // namespace baton::http::client

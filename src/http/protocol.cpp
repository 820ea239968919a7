#include "baton/http/protocol.hpp"

#include <fmt/format.h>

#include <array>
#include <string>

#include "baton/base/error.hpp"

namespace baton::http {
namespace {

constexpr std::array<std::string_view, 5> names{"http", "https", "http2", "ws", "wss"};
static_assert(names[static_cast<std::size_t>(protocol::wss)] == "wss");

}  // namespace

std::string_view to_string(protocol of) noexcept { return names[static_cast<std::size_t>(of)]; }

protocol parse_protocol(std::string_view text) {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == text) return static_cast<protocol>(i);
  throw setup_error{fmt::format(
      "\"{}\" is no protocol of the http service; it has http, https, http2, ws and wss", text)};
}

}  // namespace baton::http

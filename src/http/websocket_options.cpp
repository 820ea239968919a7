#include "baton/http/websocket_options.hpp"

#include <string_view>

#include "baton/http/fields.hpp"

namespace baton::http {
namespace {

constexpr std::string_view scheme_end = "://";

/// Host and port, the port left out if the scheme says it.
std::string_view authority(std::string_view text, std::string_view scheme) noexcept {
  const std::string_view port = same_token(scheme, "https") ? ":443" : ":80";
  if (text.ends_with(port)) text.remove_suffix(port.size());
  return text;
}

}  // namespace

bool same_origin(const request& asked) {
  const auto fields = asked.headers();
  const auto end = fields.end();
  std::string_view origin;
  bool named = false;
  for (auto at = fields.begin(); at != end; ++at) {
    if (!same_token((*at).name, "Origin")) continue;
    if (named) return false;
    named = true;
    origin = (*at).value;
  }
  if (!named) return true;
  const auto scheme = origin.substr(0, origin.find(scheme_end));
  if (scheme.size() == origin.size()) return false;  // "null", or no origin at all
  const auto from = origin.substr(scheme.size() + scheme_end.size());
  return !from.empty() && same_token(authority(from, scheme), authority(asked.host(), scheme));
}

bool any_origin(const request&) { return true; }

}  // namespace baton::http

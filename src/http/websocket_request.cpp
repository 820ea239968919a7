#include "baton/http/websocket_request.hpp"

#include "baton/http/fields.hpp"
#include "baton/http/request.hpp"

namespace baton::http {
namespace {

std::string_view take_part(std::string_view& from) noexcept {
  const auto size = from.find('\0');
  const auto part = from.substr(0, size);
  from.remove_prefix(size + 1);
  return part;
}

}  // namespace

websocket_request::websocket_request(const request& asked, const std::vector<std::string>& names,
                                     bool keep_fields)
    : peer_{asked.peer()} {
  std::string made{asked.path()};
  const auto here = [&] { return static_cast<std::uint32_t>(made.size()); };
  const auto put = [&](std::string_view part) { made.append(part).push_back('\0'); };
  query_ = here();
  made += asked.query();
  host_ = here();
  made += asked.host();
  listener_ = here();
  made += asked.listener_name();
  parameters_ = here();
  for (const auto& name : names) {
    put(name);
    put(asked.param(name));
  }
  fields_ = here();
  if (keep_fields)
    for (const auto& [name, value] : asked.headers()) {
      put(name);
      put(value);
    }
  bytes_.assign(made);  // exactly as large as it is: it stays for long
}

std::string_view websocket_request::param(std::string_view name) const noexcept {
  for (auto left = part(parameters_, fields_); !left.empty();) {
    const auto its_name = take_part(left);
    const auto value = take_part(left);
    if (its_name == name) return value;
  }
  return {};
}

std::string_view websocket_request::header(std::string_view name) const noexcept {
  for (auto left = std::string_view{bytes_}.substr(fields_); !left.empty();) {
    const auto its_name = take_part(left);
    const auto value = take_part(left);
    if (same_token(its_name, name)) return value;
  }
  return {};
}

}  // namespace baton::http

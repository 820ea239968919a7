#include "ondemand/settings/route_text.hpp"

#include <fmt/format.h>

#include "baton/base/error.hpp"
#include "ondemand/gateway/route_table.hpp"

namespace baton::ondemand {

route parse_route(std::string_view text) {
  if (text.empty())
    throw setup_error{"a route is empty; write a host, a path, or both: shop.example, /app"};
  if (text.find("://") != std::string_view::npos)
    throw setup_error{fmt::format(
        "route \"{}\": a route has no scheme; write the host alone: shop.example/app", text)};
  route made;
  auto rest = text;
  if (const auto mark = rest.find('!'); mark != std::string_view::npos) {
    made.listener = rest.substr(0, mark);
    if (made.listener.empty())
      throw setup_error{
          fmt::format("route \"{}\": before the ! stands the name of a listener: web!/app", text)};
    rest.remove_prefix(mark + 1);
  }
  const auto slash = rest.find('/');
  made.host = rest.substr(0, slash);
  if (slash != std::string_view::npos) made.path = rest.substr(slash);
  route_table{}.add(made, 0);
  return made;
}

std::string wrong_route(std::string_view text) {
  try {
    static_cast<void>(parse_route(text));
    return {};
  } catch (const setup_error& error) {
    return error.what();
  }
}

}  // namespace baton::ondemand

#pragma once

#include <boost/json.hpp>
#include <chrono>
#include <string>
#include <string_view>

#include "baton/http/limits.hpp"
#include "baton/http/websocket_options.hpp"
#include "baton/net/listener.hpp"
#include "baton/server/options.hpp"

/// What the service's JSON file says, as the library's options; `service_main.cpp` lists the keys.
namespace configuration {

namespace json = boost::json;

json::object read(const char* path);

template <class Number>
Number number(const json::object& from, std::string_view key, Number otherwise) {
  const auto* found = from.if_contains(key);
  return found != nullptr ? found->to_number<Number>() : otherwise;
}
std::chrono::milliseconds duration(const json::object& from, std::string_view key,
                                   std::chrono::milliseconds otherwise);
std::string text(const json::object& from, std::string_view key, std::string otherwise = {});

baton::server_options server(const json::object& from);
baton::http::limits limits(const json::object& from);
/// Of the route /ws.
baton::http::websocket_options websocket(const json::object& from);
/// One entry of "listeners".
baton::net::listener_options listener(const json::object& from);

}  // namespace configuration

#include "http/websocket_route.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "baton/base/error.hpp"
#include "baton/http/fields.hpp"

namespace baton::http {
namespace {

[[noreturn]] void refuse(const std::string& pattern, std::string_view what) {
  throw setup_error{fmt::format("websocket {}: {}", pattern, what)};
}

void check_range(const std::string& pattern, std::string_view name, int value, int least,
                 int most) {
  if (value >= least && value <= most) return;
  refuse(pattern, fmt::format("compression.{} is {}; use {} to {}", name, value, least, most));
}

void check_compression(const std::string& pattern, const permessage_deflate& wanted) {
  check_range(pattern, "server_max_window_bits", wanted.server_max_window_bits, 9, 15);
  check_range(pattern, "client_max_window_bits", wanted.client_max_window_bits, 8, 15);
  check_range(pattern, "level", wanted.level, 1, 9);
  check_range(pattern, "memory_level", wanted.memory_level, 1, 9);
}

void check_time(const std::string& pattern, std::string_view name, std::chrono::milliseconds value,
                bool may_be_zero) {
  if (value.count() > 0 || (may_be_zero && value.count() == 0)) return;
  refuse(pattern, fmt::format("{} is {} ms; use {}", name, value.count(),
                              may_be_zero ? "0 for never, or more" : "more than 0"));
}

void check(const std::string& pattern, const websocket_options& granted) {
  for (const auto& name : granted.subprotocols) {
    if (!valid_field_name(name))
      refuse(pattern, fmt::format("the subprotocol \"{}\" is no token (RFC 9110 section 5.6.2); "
                                  "use letters, digits and -._",
                                  name));
    if (std::count(granted.subprotocols.begin(), granted.subprotocols.end(), name) > 1)
      refuse(pattern, fmt::format("the subprotocol \"{}\" is listed twice; list it once", name));
  }
  if (granted.max_message == 0) refuse(pattern, "max_message is 0; use 1 byte or more");
  if (granted.high_water == 0) refuse(pattern, "high_water is 0; use 1 byte or more");
  if (granted.max_backlog < granted.high_water)
    refuse(pattern, fmt::format("max_backlog is {}, less than high_water, {}; use at least that",
                                granted.max_backlog, granted.high_water));
  if (!granted.accept_text && !granted.accept_binary)
    refuse(pattern, "neither text nor binary messages are accepted; accept one of them");
  check_time(pattern, "ping_interval", granted.ping_interval, true);
  check_time(pattern, "idle_timeout", granted.idle_timeout, true);
  check_time(pattern, "message_timeout", granted.message_timeout, true);
  check_time(pattern, "pong_deadline", granted.pong_deadline, false);
  check_time(pattern, "close_timeout", granted.close_timeout, false);
  if (granted.compression.enabled) check_compression(pattern, granted.compression);
}

}  // namespace

websocket_route::websocket_route(std::string on, websocket_options granted,
                                 websocket_behaviour does)
    : pattern{std::move(on)}, options{std::move(granted)}, behaviour{std::move(does)} {
  check(pattern, options);
  if (options.max_connections != 0)
    cap = std::make_unique<net::gate>("websocket " + pattern, options.max_connections);
}

}  // namespace baton::http

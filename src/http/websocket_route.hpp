#pragma once

#include <memory>
#include <string>
#include <vector>

#include "baton/http/websocket.hpp"
#include "baton/http/websocket_options.hpp"
#include "baton/net/gate.hpp"

namespace baton::http {

/// What a pattern with WebSockets behind it holds; shared by all of them, on all threads.
struct websocket_route {
  /// Throws setup_error that names the option, what is wrong with it and what is allowed.
  websocket_route(std::string on, websocket_options granted, websocket_behaviour does);

  const std::string pattern;
  const websocket_options options;
  const websocket_behaviour behaviour;
  std::unique_ptr<net::gate> cap;  ///< null: as many as there are connections
};

}  // namespace baton::http

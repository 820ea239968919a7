#pragma once

#include <optional>
#include <string>
#include <vector>

#include "baton/http/websocket_options.hpp"
#include "http/engine/deflate_parameters.hpp"
#include "http/engine/extension_list.hpp"

namespace baton::http::engine {

/// What a server answers to the offers of a client.
struct deflate_agreement {
  deflate_parameters parameters;
  std::string response;  ///< the element of Sec-WebSocket-Extensions
};

/// Accepts the first permessage-deflate offer that can be accepted (RFC 7692 sections 5 and 7.1);
/// nothing if there is none, or the options say no.
[[nodiscard]] std::optional<deflate_agreement> negotiate_deflate(
    const std::vector<extension>& offers, const permessage_deflate& wanted);

}  // namespace baton::http::engine

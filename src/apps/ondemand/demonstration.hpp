#pragma once

#include <string>

#include "baton/config/load.hpp"

namespace baton::apps {

/// A gateway with three small services, which are this program too: a page, a clock told by
/// server-sent events, an echo on a WebSocket. On 127.0.0.1, port 8080 and 9900, or others if those
/// are taken. `from`: environment and flags may say something else.
[[nodiscard]] int demonstrate(const config::sources& from);

/// One of those three, which is given its socket.
[[nodiscard]] int be_demonstrated(const std::string& name);

}  // namespace baton::apps

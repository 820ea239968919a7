#pragma once

#include <functional>
#include <string>

namespace baton::admin {

/// How a reload went, for whoever asked.
struct reload_verdict {
  /// 200: applied (or nothing to do); 400: the file is wrong and nothing has changed; another one.
  unsigned status = 200;
  /// A JSON text.
  std::string json;
};

/// What the admin service can do only with the help of whoever knows the configuration. What is
/// not set is answered with 501 and the reason.
struct controls {
  /// The configuration in force as a JSON text, secrets masked already. On the admin thread.
  std::function<std::string()> config_text = {};
  /// Reads the configuration again, and calls `done` once, on any thread. Called on the admin
  /// thread, which it may block.
  std::function<void(std::function<void(reload_verdict)> done)> reload = {};
};

}  // namespace baton::admin

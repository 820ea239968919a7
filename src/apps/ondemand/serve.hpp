#pragma once

#include <functional>
#include <vector>

#include "baton/config/load.hpp"

namespace baton {
class server;
}
namespace baton::http {
class service;
}

namespace baton::apps {

/// The gateway that the configuration describes, until it is told to leave. Throws config_error and
/// setup_error; the exit status of the program.
[[nodiscard]] int serve(const config::sources& from);

/// The same of settings that come from no file; `prepare` is called once all listeners are open.
[[nodiscard]] int serve(const config::settings& settings,
                        const std::function<void(server&, http::service&)>& prepare);

}  // namespace baton::apps

#pragma once

#include <string>
#include <string_view>

#include "baton/ondemand/service_options.hpp"

namespace baton::ondemand {

/// A route as it is written: `[LISTENER!][HOST][/PATH]`, of which at least one.
///
/// | written                | which requests                                     |
/// |------------------------|----------------------------------------------------|
/// | `shop.example`         | of this host                                       |
/// | `*.shop.example`       | of every host below                                |
/// | `shop.example/api`     | of this host, `/api` and what is below it          |
/// | `/api`                 | of any host                                        |
/// | `web!`, `web!/api`     | that came in by the listener `web`                 |
/// | `/`                    | all                                                |
///
/// Throws setup_error that names the text, what is wrong with it and what is allowed.
[[nodiscard]] route parse_route(std::string_view text);

/// For `config::checked`: what is wrong; empty if nothing is.
[[nodiscard]] std::string wrong_route(std::string_view text);

}  // namespace baton::ondemand

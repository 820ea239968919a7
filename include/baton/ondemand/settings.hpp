#pragma once

#include <vector>

#include "baton/ondemand/gateway_options.hpp"
#include "baton/ondemand/service_options.hpp"

namespace baton::config {
struct settings;
}

namespace baton::ondemand {

/// Adds the sections `gateway` and `services` to what a configuration may say: before it is read,
/// to `config::sources::defaults`.
void extend(config::settings& defaults);

/// What `gateway` says of the gateway itself.
[[nodiscard]] gateway_options gateway_of(const config::settings& of);
/// The services of a configuration that was read with these sections.
[[nodiscard]] std::vector<service_options> services(const config::settings& of);

}  // namespace baton::ondemand

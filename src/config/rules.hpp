#pragma once

#include "baton/config/settings.hpp"
#include "config/reader.hpp"

namespace baton::config {

/// Gives each listener the TLS block it names, and checks what no key alone can tell; `from` is
/// told what is wrong.
void resolve(settings& read, reader& from);

/// The listeners that the settings ask for, those of `protocols` one by one. Throws setup_error.
[[nodiscard]] std::vector<net::listener_options> all_listeners(const settings& of);

}  // namespace baton::config

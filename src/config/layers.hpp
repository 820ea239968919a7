#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "baton/config/load.hpp"
#include "config/document.hpp"
#include "config/key.hpp"

namespace baton::config {

/// Lays what the variables say over the document of a configuration with this table.
/// BATON_SERVER_THREADS is server.threads, BATON_LISTENERS_0_ADDRESS is listeners[0].address,
/// BATON_TLS_MAIN_CA is tls.main.ca. A whole section is written as YAML. Names that are no
/// configuration are left alone; those that were probably meant as one are problems.
void lay_environment(const section& table, node& document,
                     const std::vector<std::string>& variables, std::vector<problem>& problems);

/// The same for flags and the like.
void lay_overrides(const section& table, node& document,
                   const std::vector<override_value>& overrides, std::vector<problem>& problems);

}  // namespace baton::config

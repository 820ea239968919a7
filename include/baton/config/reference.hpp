#pragma once

#include <string>

#include "baton/config/settings.hpp"

namespace baton::config {

/// The JSON schema (draft 2020-12) of a configuration, for editors and tools. What it refuses is
/// refused by `load`, which knows more. Sections and default values are those that `defaults` has.
[[nodiscard]] std::string json_schema(const settings& defaults = {});

/// docs/configuration.md: every key with its values, default and class. As above; what parts add
/// comes first.
[[nodiscard]] std::string documentation(const settings& defaults = {});

}  // namespace baton::config

#pragma once

#include <string>

namespace baton::config {

/// The JSON schema (draft 2020-12) of a configuration, for editors and tools. What it refuses is
/// refused by `load`, which knows more.
[[nodiscard]] std::string json_schema();

/// docs/configuration.md: every key with its values, default and class.
[[nodiscard]] std::string documentation();

}  // namespace baton::config

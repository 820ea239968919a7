#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "config/key.hpp"

namespace baton::config {

/// As it is written in a configuration, secrets masked; null: a choice that was not made.
[[nodiscard]] boost::json::value json_value(const key& of, const value& is);

/// With a line for each member, two spaces deeper at each step.
[[nodiscard]] std::string pretty(const boost::json::value& of);

}  // namespace baton::config

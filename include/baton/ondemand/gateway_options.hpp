#pragma once

#include <string>

namespace baton::ondemand {

struct gateway_options {
  /// What is below this path, on every host, is the gateway's own and never passed on: here the
  /// pages of those who wait ask how the start goes.
  std::string own_path = "/.baton";
};

}  // namespace baton::ondemand

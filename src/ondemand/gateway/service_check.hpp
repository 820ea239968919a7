#pragma once

#include <vector>

#include "baton/ondemand/service_options.hpp"

namespace baton::ondemand {

/// Throws setup_error that names the service, the value, what is wrong with it and what is allowed.
void check(const std::vector<service_options>& services);

}  // namespace baton::ondemand

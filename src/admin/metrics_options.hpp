#pragma once

#include "baton/admin/metrics.hpp"

namespace baton::admin {

/// Throws setup_error for options that make no sense.
void verify(const metrics_options& options);

}  // namespace baton::admin

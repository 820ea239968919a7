#pragma once

#include "baton/lineage/generation.hpp"
#include "baton/server/options.hpp"

namespace baton {

/// Whether this process is the supervisor or a generation of the service; it stays what it is.
///
/// Becomes the supervisor and ends the process with its status, if the options ask for one, or this
/// is pid 1, and there is none yet. Otherwise hands the options through: we are a generation.
server_options supervise_if_asked(server_options options);

/// What the options mean for the generation that we are.
lineage::generation_options as_generation(const server_options& options);

}  // namespace baton

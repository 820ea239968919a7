#pragma once

#include <string>

namespace baton::ondemand {

/// Ends all processes with that marker, or one below it, which a generation that crashed has left.
/// Stands still meanwhile: 5 s at most until they are killed.
void end_orphans(const std::string& marker);

}  // namespace baton::ondemand

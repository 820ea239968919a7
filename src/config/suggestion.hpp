#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace baton::config {

/// How many letters must be inserted, removed, replaced or swapped with their neighbour to make one
/// word of the other.
[[nodiscard]] std::size_t edit_distance(std::string_view one, std::string_view other);

/// The one of `known` that was probably meant; empty if none is near.
[[nodiscard]] std::string_view nearest(std::string_view word,
                                       const std::vector<std::string_view>& known);

}  // namespace baton::config

#include "baton/lineage/inheritance.hpp"

#include <algorithm>
#include <iterator>

namespace baton::lineage {
namespace {

template <class Predicate>
std::optional<inherited_listener> take_if(std::vector<inherited_listener>& from,
                                          Predicate matches) {
  const auto found = std::find_if(from.begin(), from.end(), matches);
  if (found == from.end()) return std::nullopt;
  auto taken = std::move(*found);
  // The order means nothing, and thousands may be claimed.
  if (found != std::prev(from.end())) *found = std::move(from.back());
  from.pop_back();
  return taken;
}

}  // namespace

std::optional<inherited_listener> inheritance::claim(std::string_view name,
                                                     std::string_view address) {
  if (!name.empty()) {
    auto named = take_if(listeners, [&](const auto& entry) { return entry.name == name; });
    if (named) return named;
  }
  if (address.empty()) return std::nullopt;
  return take_if(listeners, [&](const auto& entry) { return entry.address == address; });
}

const state_blob* inheritance::find_state(std::string_view key) const noexcept {
  const auto found =
      std::find_if(state.begin(), state.end(), [&](const auto& blob) { return blob.key == key; });
  return found == state.end() ? nullptr : &*found;
}

}  // namespace baton::lineage

#include "baton/grpc/metadata.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "grpc/engine/metadata_rules.hpp"

namespace baton::grpc {

void metadata::add(std::string_view key, std::string_view value) {
  if (!engine::is_key(key))
    throw std::invalid_argument{fmt::format(
        "metadata key \"{}\": a key has the characters a-z, 0-9, '_', '-' and '.' only", key)};
  if (engine::is_reserved(key))
    throw std::invalid_argument{
        fmt::format("metadata key \"{}\": it is the protocol's own; give yours another name", key)};
  if (!engine::is_binary(key) && !engine::is_text(value))
    throw std::invalid_argument{
        fmt::format("the value of metadata \"{}\" is not printable ASCII without spaces at its "
                    "ends; other bytes belong under a key that ends in \"-bin\"",
                    key)};
  entries_.push_back({std::string{key}, std::string{value}});
}

std::optional<std::string_view> metadata::find(std::string_view key) const noexcept {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const entry& each) { return each.key == key; });
  if (found == entries_.end()) return std::nullopt;
  return found->value;
}

std::vector<std::string_view> metadata::all(std::string_view key) const {
  std::vector<std::string_view> found;
  for (const auto& each : entries_)
    if (each.key == key) found.emplace_back(each.value);
  return found;
}

}  // namespace baton::grpc

#include "lineage/consignment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace baton::lineage {
namespace {

/// At most this much of a listener becomes JSON: every byte may need an escape of six.
std::size_t json_bound(const offered_listener& listener) noexcept {
  return 32 + 6 * (listener.name.size() + listener.address.size());
}

}  // namespace

std::string consignment::objection() const {
  if (listeners() > handoff::max_listeners)
    return fmt::format("{} listeners are offered, at most {} can cross", listeners(),
                       handoff::max_listeners);
  if (states() > handoff::max_states)
    return fmt::format("{} state blobs are offered, at most {} can cross", states(),
                       handoff::max_states);
  for (const auto& listener : offer_.listeners)
    if (std::max(listener.name.size(), listener.address.size()) > handoff::max_name)
      return fmt::format(
          "the name or the address of listener \"{:.60}...\" is longer than {} bytes",
          listener.name, handoff::max_name);
  std::size_t total = 0;
  for (const auto& blob : offer_.state) {
    total += blob.bytes.size();
    if (blob.key.size() > handoff::max_name)
      return fmt::format("the state key \"{:.60}...\" is longer than {} bytes", blob.key,
                         handoff::max_name);
  }
  if (total > handoff::max_state_bytes)
    return fmt::format("{} bytes of state are offered, at most {} can cross", total,
                       handoff::max_state_bytes);
  return {};
}

std::optional<consignment::piece> consignment::next() {
  if (listener_ < listeners()) return next_listeners();
  if (state_ < states()) return next_state();
  if (ended_) return std::nullopt;
  ended_ = true;
  return piece{};
}

consignment::piece consignment::next_listeners() {
  piece made{handoff::type::listeners, {}, {}};
  std::vector<handoff::listener_entry> entries;
  std::size_t bytes = 32;
  while (listener_ < listeners() && entries.size() < handoff::max_descriptors) {
    const auto& listener = offer_.listeners[listener_];
    bytes += json_bound(listener);
    if (bytes > handoff::max_payload) break;
    entries.push_back({listener.name, listener.address});
    made.descriptors.push_back(listener.fd);
    ++listener_;
  }
  made.payload = handoff::write_listeners(entries);
  return made;
}

consignment::piece consignment::next_state() {
  const auto& blob = offer_.state[state_];
  piece made;
  if (begun_) {
    const auto part = std::string_view{blob.bytes}.substr(offset_, handoff::max_payload);
    made = {handoff::type::state_bytes, std::string{part}, {}};
    offset_ += part.size();
  } else {
    made = {handoff::type::state_begin,
            handoff::write_state_begin({blob.key, blob.version, blob.bytes.size()}),
            {}};
    begun_ = true;
  }
  if (offset_ == blob.bytes.size()) {
    ++state_;
    offset_ = 0;
    begun_ = false;
  }
  return made;
}

}  // namespace baton::lineage

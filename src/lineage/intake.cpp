#include "lineage/intake.hpp"

#include <utility>

namespace baton::lineage {

using handoff::type;
using handoff::wire_error;

intake::intake(const handoff::hello& announced, std::uint32_t sequence)
    : listeners_announced_{announced.listeners},
      states_announced_{announced.states},
      last_sequence_{sequence} {
  collected_.generation = announced.generation;
}

error_code intake::take(const handoff::frame& frame, std::vector<unique_fd> descriptors) {
  if (complete_ || frame.sequence != last_sequence_ + 1) return wire_error::out_of_order;
  last_sequence_ = frame.sequence;
  if (frame.type != type::listeners && !descriptors.empty()) return wire_error::descriptors;
  switch (frame.type) {
    case type::listeners:
      return take_listeners(frame.payload, std::move(descriptors));
    case type::state_begin:
      return take_state_begin(frame.payload);
    case type::state_bytes:
      return take_state_bytes(frame.payload);
    case type::complete:
      return take_complete();
    default:
      return wire_error::out_of_order;
  }
}

error_code intake::take_listeners(std::string_view payload, std::vector<unique_fd> descriptors) {
  auto entries = handoff::read_listeners(payload);
  if (!entries) return entries.error();
  if (entries->size() != descriptors.size()) return wire_error::descriptors;
  if (collected_.listeners.size() + entries->size() > listeners_announced_)
    return wire_error::out_of_range;
  for (std::size_t i = 0; i < entries->size(); ++i)
    collected_.listeners.push_back({std::move((*entries)[i].name), std::move((*entries)[i].address),
                                    std::move(descriptors[i])});
  return {};
}

error_code intake::take_state_begin(std::string_view payload) {
  auto begin = handoff::read_state_begin(payload);
  if (!begin) return begin.error();
  if (!state_is_whole()) return wire_error::out_of_order;
  if (collected_.state.size() == states_announced_ ||
      begin->size > handoff::max_state_bytes - state_bytes_)
    return wire_error::out_of_range;
  state_bytes_ += begin->size;
  missing_ = begin->size;
  collected_.state.push_back({std::move(begin->key), begin->version, {}});
  return {};
}

error_code intake::take_state_bytes(std::string_view payload) {
  if (state_is_whole()) return wire_error::out_of_order;
  if (payload.empty()) return wire_error::malformed;
  if (payload.size() > missing_) return wire_error::out_of_range;
  collected_.state.back().bytes.append(payload);
  missing_ -= payload.size();
  return {};
}

error_code intake::take_complete() noexcept {
  if (!has_listeners() || !state_is_whole() || collected_.state.size() != states_announced_)
    return wire_error::out_of_order;
  complete_ = true;
  return {};
}

bool intake::has_listeners() const noexcept {
  return collected_.listeners.size() == listeners_announced_;
}

inheritance intake::finish() {
  if (!state_is_whole()) collected_.state.pop_back();
  missing_ = 0;
  return std::move(collected_);
}

}  // namespace baton::lineage

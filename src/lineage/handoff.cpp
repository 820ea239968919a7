#include "lineage/handoff.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>

namespace baton::lineage::handoff {
namespace {

template <class Number>
void put(std::string& out, Number value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

template <class Number>
Number get(std::string_view from, std::size_t offset) noexcept {
  Number value{};
  std::memcpy(&value, from.data() + offset, sizeof value);
  return value;
}

const char* describe(wire_error error) noexcept {
  switch (error) {
    case wire_error::truncated:
      return "the message is shorter than its header";
    case wire_error::bad_magic:
      return "the message does not begin with baton's magic number";
    case wire_error::unknown_layout:
      return "the message has a layout of another version of baton";
    case wire_error::unknown_type:
      return "the message has an unknown type";
    case wire_error::length_mismatch:
      return "the message is not as long as its header says";
    case wire_error::malformed:
      return "the message's payload is malformed";
    case wire_error::out_of_range:
      return "the message holds a number beyond its limit";
    case wire_error::out_of_order:
      return "the message is not the one that comes next";
    case wire_error::descriptors:
      return "the message does not carry the descriptors it names";
    case wire_error::descriptors_lost:
      return "the kernel dropped descriptors of the message: raise the limit of open files "
             "(RLIMIT_NOFILE, ulimit -n, LimitNOFILE=)";
  }
  return "unknown handoff error";
}

// Boost's base class has no virtual destructor by design; the one instance is static.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
class category final : public boost::system::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "baton.handoff"; }
  [[nodiscard]] std::string message(int value) const override {
    return describe(static_cast<wire_error>(value));
  }
};
#pragma GCC diagnostic pop

#ifdef BATON_FAULT_POINTS
/// "MIN-MAX"; anything else is no override.
version_range override_from(const char* variable) {
  const char* text = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe)
  if (text == nullptr) return versions;
  const char* end = text + std::strlen(text);
  version_range range;
  const auto low = std::from_chars(text, end, range.min);
  if (low.ec != std::errc{} || low.ptr == end || *low.ptr != '-') return versions;
  const auto high = std::from_chars(low.ptr + 1, end, range.max);
  return high.ec == std::errc{} && high.ptr == end ? range : versions;
}
#endif

}  // namespace

std::string_view to_string(type value) noexcept {
  switch (value) {
    case type::hello:
      return "hello";
    case type::listeners:
      return "listeners";
    case type::state_begin:
      return "state_begin";
    case type::state_bytes:
      return "state_bytes";
    case type::complete:
      return "complete";
    case type::farewell:
      return "farewell";
    case type::last_state_begin:
      return "last_state_begin";
    case type::last_state_bytes:
      return "last_state_bytes";
    case type::accepted:
      return "accepted";
    case type::acknowledged:
      return "acknowledged";
    case type::progress:
      return "progress";
    case type::ready:
      return "ready";
    case type::failed:
      return "failed";
    case type::leaving:
      return "leaving";
  }
  return "unknown";
}

const boost::system::error_category& wire_category() noexcept {
  static const category instance;
  return instance;
}

error_code make_error_code(wire_error error) noexcept {
  return {static_cast<int>(error), wire_category()};
}

std::string encode(type kind, std::uint32_t sequence, std::string_view payload) {
  std::string out;
  out.reserve(header_size + payload.size());
  put(out, magic);
  put(out, layout);
  put(out, static_cast<std::uint16_t>(kind));
  put(out, sequence);
  put(out, static_cast<std::uint32_t>(payload.size()));
  out.append(payload);
  return out;
}

result<frame> decode(std::string_view bytes) {
  if (bytes.size() < header_size) return wire_error::truncated;
  if (get<std::uint32_t>(bytes, 0) != magic) return wire_error::bad_magic;
  if (get<std::uint16_t>(bytes, 4) != layout) return wire_error::unknown_layout;
  const auto kind = static_cast<type>(get<std::uint16_t>(bytes, 6));
  if (to_string(kind) == "unknown") return wire_error::unknown_type;
  const std::size_t length = get<std::uint32_t>(bytes, 12);
  if (length > max_payload) return wire_error::out_of_range;
  if (length != bytes.size() - header_size) return wire_error::length_mismatch;
  return frame{kind, get<std::uint32_t>(bytes, 8), bytes.substr(header_size)};
}

std::uint16_t negotiate(version_range ours, version_range theirs) noexcept {
  const auto highest = std::min(ours.max, theirs.max);
  const auto lowest = std::max(ours.min, theirs.min);
  return highest >= lowest ? highest : std::uint16_t{0};
}

#ifdef BATON_FAULT_POINTS
version_range parent_versions() { return override_from("BATON_FAULT_PARENT_VERSIONS"); }
version_range child_versions() { return override_from("BATON_FAULT_CHILD_VERSIONS"); }
#else
version_range parent_versions() { return versions; }
version_range child_versions() { return versions; }
#endif

}  // namespace baton::lineage::handoff

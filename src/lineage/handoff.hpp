#pragma once

#include <sys/types.h>

#include <boost/system/error_code.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "baton/base/error.hpp"

/// The wire contract between a parent and its child: frames on an AF_UNIX SOCK_SEQPACKET pair, one
/// frame a message. Everything here is a pure function of bytes; channel.hpp does the I/O.
///
///     parent                               child
///     hello (versions, who, how much) -->
///                                      <-- accepted (version) | failed (reason)
///     listeners (<= 200 + descriptors) -->
///                                      <-- acknowledged        (repeated)
///     state_begin, state_bytes...      -->
///                                      <-- acknowledged        (each)
///     complete                         -->
///                                      <-- progress*, ready | failed (reason)
///     last_state_begin, last_state_bytes... -->                (any time later)
///     farewell                         -->                     (after them, at most once)
///                                      <-- leaving             (the child ends on purpose)
///
/// Frame: 16 bytes of header, then the payload. Numbers are in the machine's byte order (both ends
/// run on it).
///
///     0 u32 magic   4 u16 layout   6 u16 type   8 u32 sequence   12 u32 payload length
///
/// The sequence counts the frames of one direction from 1, except in `acknowledged`, where it is
/// that of the frame it answers, and from `last_state_begin` on, where it is 0. A child that does
/// not know a frame of a parent that drains passes over it. `hello` never changes its
/// layout; what follows it is as the accepted version says. Unknown members of a JSON payload are
/// ignored.
///
/// Steps at which a test can make a process die, stall or fail (base/fault.hpp), in their order:
///
///     parent.spawned, parent.hello_sent, parent.between_chunks (after each `listeners`),
///     parent.descriptors_sent (after `complete`), parent.before_ready_read, parent.after_ready
///
///     child.spawned, child.hello, child.accepted, child.between_chunks (after each `listeners`,
///     before it is acknowledged), child.before_ready, child.after_ready
///
/// The last two are passed by a generation without a parent, too.
namespace baton::lineage::handoff {

inline constexpr std::uint32_t magic = 0x4e544142;  // "BATN"
inline constexpr std::uint16_t layout = 1;

struct version_range {
  std::uint16_t min = 1;
  std::uint16_t max = 1;
  friend bool operator==(const version_range&, const version_range&) = default;
};
/// What this build speaks.
inline constexpr version_range versions{1, 1};

inline constexpr std::size_t header_size = 16;
inline constexpr std::size_t max_payload = std::size_t{64} * 1024;
inline constexpr std::size_t max_frame = header_size + max_payload;
inline constexpr std::size_t max_descriptors = 200;  ///< a message; the kernel's limit is 253
inline constexpr std::size_t max_listeners = 65'536;
inline constexpr std::size_t max_states = 4'096;
inline constexpr std::size_t max_state_bytes = std::size_t{64} * 1024 * 1024;
inline constexpr std::size_t max_name = 1'024;  ///< of a listener or a state blob
inline constexpr std::size_t max_draining = 64;

enum class type : std::uint16_t {
  hello = 1,
  listeners = 2,
  state_begin = 3,
  state_bytes = 4,
  complete = 5,
  farewell = 6,
  last_state_begin = 7,
  last_state_bytes = 8,
  accepted = 17,
  acknowledged = 18,
  progress = 19,
  ready = 20,
  failed = 21,
  leaving = 22,
};
[[nodiscard]] std::string_view to_string(type value) noexcept;

/// Why bytes are not a message.
enum class wire_error {
  truncated = 1,     ///< shorter than a header
  bad_magic,         ///< not ours
  unknown_layout,    ///< a frame of a later baton
  unknown_type,      ///< a type that no version has
  length_mismatch,   ///< the header's length is not the message's
  malformed,         ///< the payload is not what the type has
  out_of_range,      ///< a number beyond its limit
  out_of_order,      ///< not the message that comes next
  descriptors,       ///< not as many descriptors as the payload names
  descriptors_lost,  ///< the kernel dropped descriptors: RLIMIT_NOFILE is too low
};
const boost::system::error_category& wire_category() noexcept;
error_code make_error_code(wire_error error) noexcept;

/// One message. `payload` points into the bytes it was decoded from.
struct frame {
  handoff::type type = type::hello;
  std::uint32_t sequence = 0;
  std::string_view payload;
};

/// `payload` must not exceed max_payload.
std::string encode(type kind, std::uint32_t sequence, std::string_view payload = {});
result<frame> decode(std::string_view bytes);

/// A process by pid and start time, so that a reused pid is never taken for it.
struct process {
  std::uint32_t generation = 0;  ///< 0: the supervisor
  pid_t pid = 0;
  std::uint64_t start_time = 0;
  friend bool operator==(const process&, const process&) = default;
};

struct hello {
  version_range versions = handoff::versions;
  std::uint32_t generation = 1;  ///< the receiver's number
  process parent;
  std::vector<process> draining;  ///< oldest first, without the parent
  std::size_t listeners = 0;
  std::size_t states = 0;
  friend bool operator==(const hello&, const hello&) = default;
};

struct listener_entry {
  std::string name;
  std::string address;
  friend bool operator==(const listener_entry&, const listener_entry&) = default;
};

struct state_begin {
  std::string key;
  std::uint32_t version = 1;
  std::size_t size = 0;
  friend bool operator==(const state_begin&, const state_begin&) = default;
};

struct refusal {
  std::string reason;
  bool version_mismatch = false;
  friend bool operator==(const refusal&, const refusal&) = default;
};

std::string write_hello(const hello& value);
result<hello> read_hello(std::string_view payload);
std::string write_listeners(const std::vector<listener_entry>& value);
result<std::vector<listener_entry>> read_listeners(std::string_view payload);
std::string write_state_begin(const state_begin& value);
result<state_begin> read_state_begin(std::string_view payload);
std::string write_accepted(std::uint16_t version);
result<std::uint16_t> read_accepted(std::string_view payload);
std::string write_progress(std::string_view what);
result<std::string> read_progress(std::string_view payload);
std::string write_refusal(const refusal& value);
result<refusal> read_refusal(std::string_view payload);

/// The highest version in both ranges, or 0.
[[nodiscard]] std::uint16_t negotiate(version_range ours, version_range theirs) noexcept;

/// What this process offers as a parent, and takes as a child: `versions`. A library built with
/// BATON_FAULT_POINTS reads "MIN-MAX" from BATON_FAULT_PARENT_VERSIONS and
/// BATON_FAULT_CHILD_VERSIONS.
[[nodiscard]] version_range parent_versions();
[[nodiscard]] version_range child_versions();

}  // namespace baton::lineage::handoff

template <>
struct boost::system::is_error_code_enum<baton::lineage::handoff::wire_error> : std::true_type {};

#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "baton/base/error.hpp"
#include "baton/base/unique_fd.hpp"
#include "baton/lineage/inheritance.hpp"

namespace baton::lineage {

/// Names the descriptor of the channel to the supervisor.
inline constexpr const char* supervisor_variable = "BATON_SUPERVISOR";
/// The version of the messages below; written into each, an unknown one is refused.
inline constexpr int supervision_version = 1;

/// The supervisor channel: AF_UNIX SOCK_SEQPACKET, one end with the supervisor, the other shared by
/// all its generations (each hands it to the next). A packet is one JSON object:
///
///     {"version":1, "type":T, "generation":N, "pid":P, ...}
///       listeners        "first":bool, "last":bool, "listeners":[{"name":S,"address":S}...] +
///       SCM_RIGHTS serving          the sender serves; what it published replaces what the
///       supervisor held upgrading        "child":P, the sender started a child that is not ready
///       yet upgrade_failed   "child":P (0: none was started), the sender serves on leaving the
///       sender leaves on purpose: it is not to be started again
enum class supervision_type : std::uint8_t {
  listeners,
  serving,
  upgrading,
  upgrade_failed,
  leaving
};

[[nodiscard]] std::string_view to_string(supervision_type type) noexcept;

struct supervision_message {
  supervision_type type = supervision_type::serving;
  std::uint32_t generation = 0;
  pid_t pid = 0;
  pid_t child = 0;
  bool first = false;
  bool last = false;
  std::vector<inherited_listener> listeners;
};

/// A generation's end of the supervisor channel.
///
/// Invariants: no call blocks longer than a second in all; a supervisor that does not listen is
/// logged and changes nothing. Move-only, not thread-safe.
class supervision {
 public:
  explicit supervision(unique_fd channel) : channel_{std::move(channel)} {}

  /// Takes the channel that BATON_SUPERVISOR names (close-on-exec from now on) and removes the
  /// variable. Nothing if there is no supervisor.
  static std::optional<supervision> from_environment();

  /// For the spawn of the next generation, which gets a copy and its number in BATON_SUPERVISOR.
  [[nodiscard]] int fd() const noexcept { return channel_.get(); }

  /// What the supervisor is to hold from the next `serving` on. In packets of at most 200.
  error_code publish(std::uint32_t generation, std::span<const offered_listener> listeners);
  error_code serving(std::uint32_t generation);
  error_code upgrading(std::uint32_t generation, pid_t child);
  /// `child` is 0 if the attempt failed before there was one.
  error_code upgrade_failed(std::uint32_t generation, pid_t child);
  /// A graceful exit began. Not for a generation that was taken over.
  error_code leaving(std::uint32_t generation);

 private:
  error_code say(supervision_type type, std::uint32_t generation, pid_t child = 0);
  error_code send(std::string_view packet, std::span<const offered_listener> listeners,
                  std::chrono::steady_clock::time_point deadline);

  unique_fd channel_;
};

/// Receives one packet without waiting: nothing if none is there. For the supervisor's end.
result<std::optional<supervision_message>> receive_supervision(int channel);

}  // namespace baton::lineage

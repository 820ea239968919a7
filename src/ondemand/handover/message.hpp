#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "baton/ondemand/state.hpp"

/// The wire contract between two generations of a gateway: JSON objects on an AF_UNIX
/// SOCK_SEQPACKET connection, one object a packet. Everything here is a pure function of bytes.
///
///     the next generation                  the earlier one
///     hello                            -->
///                                      <-- inventory* (each with the service's socket), welcome
///     (both work; the next one's requests wait. From here on only once the handover is final:)
///                                      <-- given (with the child's descriptors), of each service
///     taken | refused                  -->
///     open, close, ask, watch, turn_away, cleared -->       of a service that is given
///                                      <-- traffic, knock, emptied, suspect, answered,
///                                          exited, order
///     gone                             -->                  nothing that was given is left of it
///                                      <-- farewell*, parting (with the connection to the one
///                                          before it, if that lives still)
///     leaving                          -->                  everything was ended
///     passed_on                        -->                  another process speaks from now on
///
/// Unknown members are ignored; an unknown type ends the connection, since what it wants would not
/// be done. The version is agreed on before anything is told: a range of versions nobody shares is
/// refused.
namespace baton::ondemand::wire {

inline constexpr std::uint32_t min_version = 1;
inline constexpr std::uint32_t max_version = 1;
inline constexpr std::size_t max_text = std::size_t{4} * 1024;

using time_point = std::chrono::steady_clock::time_point;

/// Who comes. `token`: of the endpoint, which only the next generation was told.
struct hello {
  std::uint32_t min = min_version;
  std::uint32_t max = max_version;
  std::string token = {};
};

/// A service that the earlier generation keeps. With the listening socket that it passes to its
/// program, if it does: `address` is what was asked for.
struct inventory {
  std::string service = {};
  std::string address = {};
};

/// The end of the inventory.
struct welcome {
  std::uint32_t version = max_version;
};

/// A service goes over, as it is. Descriptors, as far as there are any: the child's standard
/// output, standard error, notify socket.
struct given {
  std::string service = {};
  service_state state = service_state::stopped;
  time_point since = {};
  std::optional<time_point> last_byte = {};
  std::string why = {};
  std::uint32_t failures = 0;
  std::optional<time_point> retry_at = {};
  bool wanted = false;

  std::size_t kind = 0;  ///< index of service_options::kind
  std::uint64_t starts = 0;
  std::string target = {};
  std::string output = {};
  std::size_t waiting = 0;

  // Its child; without one `main` is 0.
  std::string marker = {};
  pid_t leader = 0;
  std::uint64_t leader_start = 0;
  pid_t main = 0;
  std::uint64_t main_start = 0;
  time_point started_at = {};
  bool has_output = false;
  bool has_error_output = false;
  bool has_notify = false;
};

struct taken {
  std::string service = {};
};
/// `stop_first`: it can be taken once it is stopped.
struct refused {
  std::string service = {};
  std::string why = {};
  bool stop_first = false;
};

/// `trial`: it is not known to be ready.
struct open {
  std::string service = {};
  std::string target = {};
  bool trial = false;
};
struct close {
  std::string service = {};
  std::uint64_t question = 0;
};
struct ask {
  std::string service = {};
  std::uint64_t question = 0;
};
struct watch {
  std::string service = {};
  std::uint64_t question = 0;
};
struct turn_away {
  std::string service = {};
  std::string why = {};
  std::int64_t retry_after = 0;  ///< milliseconds
};
struct cleared {
  std::string service = {};
};
struct gone {
  std::string service = {};
};
struct leaving {};
/// The connection goes to the process `pid`, which is heard from now on.
struct passed_on {
  pid_t pid = 0;
};

/// The answer to `close`, `ask` and `watch`.
struct traffic {
  std::string service = {};
  std::uint64_t question = 0;
  std::size_t open = 0;
  std::optional<time_point> last = {};
};
/// So many requests wait.
struct knock {
  std::string service = {};
  std::size_t waiting = 0;
};
struct emptied {
  std::string service = {};
};
struct suspect {
  std::string service = {};
  std::string why = {};
};
/// A request was answered, the first one since `open`.
struct answered {
  std::string service = {};
};
/// How the child ended, as waitpid(2) tells it; nothing: not known.
struct exited {
  std::string service = {};
  std::optional<std::int64_t> status = {};
};
/// The operator asked the earlier generation: "start", "stop", "kill", "restart".
struct order {
  std::string service = {};
  std::string what = {};
};
/// When something last went through the earlier generation.
struct farewell {
  std::string service = {};
  std::optional<time_point> last = {};
};
/// Nothing is open any more, and it leaves. With a descriptor: the connection to the generation
/// before, process `pid`, which is to be heard from now on.
struct parting {
  pid_t pid = 0;
};

using message = std::variant<hello, inventory, welcome, given, taken, refused, open, close, ask,
                             watch, turn_away, cleared, gone, leaving, passed_on, traffic, knock,
                             emptied, suspect, answered, exited, order, farewell, parting>;

/// Texts longer than `max_text` are cut.
[[nodiscard]] std::string write(const message& what);
/// Nothing: `why` says what is wrong with the bytes.
[[nodiscard]] std::optional<message> read(std::string_view bytes, std::string& why);
/// "hello", "given".
[[nodiscard]] std::string_view name_of(const message& what) noexcept;

}  // namespace baton::ondemand::wire

#pragma once

#include <signal.h>

#include <string>
#include <string_view>
#include <vector>

namespace baton::lineage {

/// How this process was started. Captured once, by the first call of `origin()`, which therefore
/// comes before anything that changes the environment or the working directory.
struct process_origin {
  std::vector<std::string> arguments;    ///< argv, from /proc/self/cmdline
  std::vector<std::string> environment;  ///< "NAME=value", complete
  std::string directory;                 ///< $PWD if it names the working directory, else that
  std::string executable;                ///< as started, symlinks kept; never /proc/self/exe
  sigset_t ignored;                      ///< signals that whoever started us had ignored

  /// The value a variable had at the start (NOTIFY_SOCKET and others are unset since), or empty.
  [[nodiscard]] std::string_view variable(std::string_view name) const noexcept;
};

const process_origin& origin();

/// Unsets what only this process was meant to see: LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES,
/// NOTIFY_SOCKET, WATCHDOG_PID, WATCHDOG_USEC, BATON_HANDOFF, BATON_SUPERVISOR. Captures `origin()`
/// first. Not thread-safe: unsetenv(3).
void scrub_environment();

/// The environment of a next generation: the original one without LISTEN_* and the descriptor
/// variables of this process; with NOTIFY_SOCKET and WATCHDOG_USEC.
std::vector<std::string> next_environment();

}  // namespace baton::lineage

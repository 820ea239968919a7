#pragma once

#include <signal.h>
#include <sys/types.h>

#include <boost/system/result.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "baton/base/unique_fd.hpp"

/// fork(2) and execve(2) in one, with vfork(2) semantics: the new process borrows our memory until
/// it has executed, so a large parent costs nothing; the calling thread stands still meanwhile.
/// Unlike posix_spawn(3) it can change user, limits and umask, and says which step failed.
namespace baton::lineage {

/// `source` becomes `target` in the new process, not close-on-exec.
struct placed_descriptor {
  unique_fd source;
  int target = -1;
};

struct resource_limit {
  int resource = 0;  ///< RLIMIT_..., setrlimit(2)
  std::uint64_t value = 0;
};

struct process_credentials {
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> groups = {};
};

struct launch_plan {
  /// Tried in this order until one is there: a path, or what a search of PATH gives.
  std::vector<std::string> paths = {};
  std::vector<std::string> arguments = {};
  std::vector<std::string> environment = {};
  /// By ascending target, every source above all targets. Standard input, output and error are ours
  /// unless they are placed; nothing else is left open.
  std::vector<placed_descriptor> descriptors = {};
  /// Entered last, with the new credentials; empty: ours.
  std::string directory = {};
  /// setsid(2): a session and a process group of its own.
  bool own_session = false;
  std::optional<mode_t> umask = {};
  std::optional<int> nice = {};
  std::vector<resource_limit> limits = {};
  std::optional<process_credentials> credentials = {};
  sigset_t blocked = {};
  /// Of the signals ignored here, those that stay so; all others get their default action.
  sigset_t ignored = {};
  /// The variable of `environment` whose value is to be the new process's pid (LISTEN_PID); it is
  /// added. Empty: none.
  std::string pid_variable = {};
};

enum class launch_step : std::uint8_t {
  process,
  session,
  descriptors,
  umask,
  nice,
  limits,
  groups,
  group,
  user,
  directory,
  signals,
  execute
};

struct launch_failure {
  launch_step step = launch_step::process;
  int error_number = 0;
  std::size_t index = 0;  ///< of the descriptor or limit
  /// What failed, in words with the values: "cannot execute \"x\": ENOENT (No such file or
  /// directory)".
  [[nodiscard]] std::string describe(const launch_plan& plan) const;
};

/// The new process's pid, once it has executed; whoever holds it reaps it. Thread-safe.
boost::system::result<pid_t, launch_failure> launch(launch_plan& plan);

[[noreturn]] void throw_exception_from_error(const launch_failure& failure,
                                             const boost::source_location& where);

}  // namespace baton::lineage

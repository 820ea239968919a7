#pragma once

#include <sys/types.h>

#include <boost/system/result.hpp>
#include <string>
#include <vector>

#include "baton/base/error.hpp"
#include "baton/base/unique_fd.hpp"
#include "lineage/launch.hpp"

/// Starts a process the way a generation is started: with vfork semantics (launch.hpp: no cost for
/// a large parent), the argv, environment and working directory this process was started with,
/// signals blocked until the child calls `unblock_early_signals`, and no descriptor but standard
/// input, output and error and those named in the request.
namespace baton::lineage {

/// Why something about a child failed: the code to branch on and the sentence's middle, e.g. "the
/// new process (pid 12) exited with status 3 before it was ready".
struct failure {
  error_code code;
  std::string why;
  /// waitpid(2)'s status if a child ran and was reaped, else -1.
  int status = -1;
};
[[noreturn]] void throw_exception_from_error(const failure& error,
                                             const boost::source_location& where);

template <class T>
using outcome = boost::system::result<T, failure>;

/// A descriptor that the child is given. It appears there under a number from 3 upwards, which is
/// the value of the environment variable `variable`. Stays the caller's.
struct handed_descriptor {
  int fd = -1;
  std::string variable;
};

struct spawn_request {
  /// Empty: this program's own path, looked up again (a flipped symlink, a replaced file count).
  std::string executable = {};
  /// argv[1...]; used only if `executable` is set, else the original arguments are.
  std::vector<std::string> arguments = {};
  std::vector<handed_descriptor> descriptors = {};
};

/// A running child. Whoever holds it reaps it (`reap` of pidfd.hpp).
struct spawned {
  pid_t pid = -1;
  unique_fd pidfd;
};

/// All that starting a process takes from this one: path, arguments, environment, descriptors. So
/// `run` may be called on another thread, while this one changes them.
class prepared_spawn {
 public:
  explicit prepared_spawn(launch_plan plan) noexcept;

  /// Starts the process, once. The calling thread stands still until the child has executed: it
  /// borrows our memory. Error: upgrade_error::spawn_failed.
  outcome<spawned> run();

 private:
  launch_plan plan_;
};

/// Launches and opens the pidfd. Error: upgrade_error::spawn_failed.
outcome<spawned> run(launch_plan& plan);

/// Errors: upgrade_error::executable_missing, upgrade_error::spawn_failed.
outcome<prepared_spawn> prepare_spawn(const spawn_request& request);
/// Both in one.
outcome<spawned> spawn(const spawn_request& request);

}  // namespace baton::lineage

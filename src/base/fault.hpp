#pragma once

#include <string_view>

/// Named steps at which a test may make this process die, stall or fail.
///
/// Only a library configured with BATON_FAULT_POINTS=ON reads the environment; in any other build
/// `reach` is an empty inline function, and such a build is the only one that can be installed.
namespace baton::fault {

#ifdef BATON_FAULT_POINTS

/// Called at a named step. If the environment variable BATON_FAULT holds "STEP:ACTION" (several
/// separated by commas), or "@FILE" whose first line holds it (a test can change that between two
/// upgrades), the action is taken: `kill` raises SIGKILL, `exit` leaves with status 3,
/// `stop` raises SIGSTOP (the test continues or kills the process), `hang` waits for a signal for
/// ever, `notify` writes "STEP\n" to the descriptor named by BATON_FAULT_FD and goes on.
void reach(std::string_view step);

/// Whether `step` carries the action `fail`: the caller then pretends that the step failed.
[[nodiscard]] bool fails(std::string_view step);

#else

inline void reach(std::string_view) {}
[[nodiscard]] constexpr bool fails(std::string_view) { return false; }

#endif

}  // namespace baton::fault

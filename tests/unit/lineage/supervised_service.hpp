#pragma once

namespace baton::lineage::testing {

/// Set in the environment of the test program that is to be a service instead of running tests.
/// "generation": with lineage::generation, which follows no plan.
inline constexpr const char* service_variable = "BATON_TEST_SERVICE";
/// A file with words that tell generations how to behave ("WORD:GENERATION", one a line; generation
/// 0 means all). Read at the start of each generation.
inline constexpr const char* plan_variable = "BATON_TEST_PLAN";
inline constexpr const char* pid_file_variable = "BATON_TEST_PID_FILE";
inline constexpr const char* backoff_variable = "BATON_TEST_BACKOFF_MS";

/// A small service under a supervisor. Standard output tells, one line each, "event WHAT
/// GENERATION PID ...". A client is answered with "GENERATION PID\n".
///
/// Words of the plan: `exit_at_start` (status 9), `wait_before_ready` (until SIGUSR2),
/// `linger` (drains until SIGUSR2), `stubborn` (leaves only at a second signal, with status 7),
/// `exit_five` (leaves with status 5), `orphan` (leaves a grandchild behind), `quit_silently`
/// (SIGUSR2: exits with 0, not having said that it leaves), `two_listeners` (binds another port),
/// `mute` (says nothing to its supervisor), `die_before_ready` (after it told its supervisor that
/// it serves, before it told its parent).
int run_supervised_service();
int run_supervised_generation();

}  // namespace baton::lineage::testing

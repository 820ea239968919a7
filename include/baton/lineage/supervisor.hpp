#pragma once

#include <chrono>
#include <string>

namespace baton::lineage {

struct supervisor_options {
  /// Written by the supervisor with its own, stable pid; empty: none.
  std::string pid_file = {};
  /// First pause before a crashed generation is started again; doubles up to the second value and
  /// falls back after a generation served for ten seconds.
  std::chrono::milliseconds backoff{100};
  std::chrono::milliseconds backoff_cap{std::chrono::seconds{10}};
  std::chrono::milliseconds ready_timeout{std::chrono::seconds{30}};
  std::chrono::milliseconds ready_timeout_cap{std::chrono::minutes{10}};
};

/// Whether this process is a generation under a supervisor (BATON_SUPERVISOR is set).
[[nodiscard]] bool supervised() noexcept;

/// Becomes the supervisor: a small process with a stable pid that starts this same program as
/// generation 1, holds duplicates of its listening sockets, reaps what ends, passes USR1, HUP,
/// QUIT, TERM and INT on to the serving generation, and starts a generation anew when it crashed,
/// while clients wait in the backlog. Speaks to systemd under its own pid.
///
/// Returns the exit status for the process (128 + signal if the last generation was killed by
/// one) when the last generation has ended on purpose, and every generation with it. A first
/// generation that never became ready is not started again: its status is returned. Throws
/// setup_error if the pid file cannot be written or LISTEN_FDS is wrong. Never called with other
/// threads running. Under systemd use Type=notify (or notify-reload) and KillMode=mixed.
int run_supervisor(const supervisor_options& options);

}  // namespace baton::lineage

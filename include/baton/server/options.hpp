#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace baton {

enum class supervise_mode : std::uint8_t {
  automatic,  ///< only when this process is pid 1 (a container's)
  always,
  never
};

enum class signal_mode : std::uint8_t {
  handle,  ///< USR1, HUP: upgrade; QUIT, TERM, INT: drain and leave; a second INT, TERM, QUIT: drop
  leave    ///< signals stay the program's own; use the member functions
};

/// Every wait has its default here.
struct server_options {
  /// Holds the serving generation's pid (the supervisor's in supervisor mode); empty: none.
  std::string pid_file = {};
  /// Loops that serve connections, one thread each; 0: one for each CPU this process may use.
  unsigned threads = 1;
  /// Connections served at once by the whole process; at least 1; clamped to the descriptor limit.
  std::size_t max_connections = 1'000'000;
  supervise_mode supervise = supervise_mode::automatic;
  signal_mode signals = signal_mode::handle;

  /// Until a new generation says ready; progress starts it anew, up to the cap.
  std::chrono::milliseconds ready_timeout{std::chrono::seconds{30}};
  std::chrono::milliseconds ready_timeout_cap{std::chrono::minutes{10}};
  /// How long the old generation watches the new one before the handover is final; 0: at once.
  std::chrono::milliseconds probation{0};
  /// Old generations that may still drain when the next upgrade comes.
  std::size_t max_draining = 3;

  /// Step 1 of a graceful exit: readiness is false, yet we still accept, so that load balancers
  /// see it first. A hot restart skips it.
  std::chrono::milliseconds lame_duck{0};
  /// Step 3: how long an idle keep-alive connection may stay after the drain began, for its
  /// client's next request (which is answered, with `Connection: close`).
  std::chrono::milliseconds idle_grace{std::chrono::seconds{5}};
  /// Step 3: clients are told to leave evenly over this time, so that they do not all come back in
  /// one instant; at most half of `drain_timeout`. 0: as long as their number asks for, 4,000 a
  /// second on each thread.
  std::chrono::milliseconds announce_spread{0};
  /// Steps 1 to 3 together: what is open then is dropped.
  std::chrono::milliseconds drain_timeout{std::chrono::seconds{30}};
  /// Step 5: for all exit hooks together.
  std::chrono::milliseconds hook_timeout{std::chrono::seconds{5}};
};

}  // namespace baton

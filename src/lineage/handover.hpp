#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "baton/base/unique_fd.hpp"
#include "baton/lineage/generation.hpp"
#include "lineage/handoff.hpp"
#include "lineage/spawn.hpp"

namespace baton::lineage {

/// A child that is ready. `pidfd` is readable once it has ended; the holder reaps it.
struct child {
  pid_t pid = -1;
  unique_fd pidfd;
  unique_fd channel;  ///< the handoff channel, non-blocking
};

struct handover_options {
  /// What to start. `descriptors` are handed besides the handoff channel (BATON_SUPERVISOR).
  spawn_request program = {};
  std::uint32_t generation = 1;                 ///< the child's number
  std::uint32_t parent_generation = 0;          ///< ours; 0: a supervisor
  std::vector<handoff::process> draining = {};  ///< passed on to the child, oldest first
  std::chrono::milliseconds ready_timeout{std::chrono::seconds{30}};
  std::chrono::milliseconds ready_timeout_cap{std::chrono::minutes{10}};
  /// Told what a child reports while it starts. Optional.
  std::function<void(std::string_view what)> on_progress = {};
  /// Told once, before completion: the child's pid, or 0 if none could be started. Optional.
  std::function<void(pid_t)> on_spawned = {};
  /// Spawn on a thread of its own, for a loop that serves: execve(2) takes milliseconds.
  bool spawn_aside = false;
  /// How long a child that refused may take to end by itself.
  std::chrono::milliseconds exit_grace{std::chrono::seconds{2}};
};

/// The parent's side of one handover: spawn, hello, listeners in chunks, state, and the wait for
/// ready, with deadlines.
///
/// Invariants: completes exactly once, never inside `start`; on failure the child has ended and is
/// reaped, and nothing of it is left open here. The offered descriptors stay the caller's and must
/// stay open until completion. Lives on the io_context's thread.
class handover {
 public:
  using handler = std::function<void(outcome<child>)>;

  /// Takes effect at `start`.
  handover(boost::asio::io_context& context, handover_options options, offer what);
  /// A child that is not ready is killed and reaped; the handler is not called.
  ~handover();
  handover(const handover&) = delete;
  handover& operator=(const handover&) = delete;

  /// `done` may destroy this object. Errors are upgrade_error's; `failure::why` is a clause such as
  /// "the new process (pid 12) exited with status 3 before it was ready".
  void start(handler done);
  /// Kills the child, if need be as soon as it runs; completes with `code` and `why` once it is
  /// reaped.
  void abandon(error_code code, std::string why);
  /// The child's, or -1 before it was spawned.
  [[nodiscard]] pid_t pid() const noexcept;

 private:
  class session;
  std::shared_ptr<session> session_;
};

}  // namespace baton::lineage

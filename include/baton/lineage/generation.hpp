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

#include "baton/base/error.hpp"
#include "baton/lineage/inheritance.hpp"
#include "baton/lineage/phase.hpp"
#include "baton/lineage/upgrade_error.hpp"

namespace baton::lineage {

struct generation_options {
  /// How long a child may take until it says ready. Progress starts the time anew...
  std::chrono::milliseconds ready_timeout{std::chrono::seconds{30}};
  /// ...but never beyond this, counted from the spawn.
  std::chrono::milliseconds ready_timeout_cap{std::chrono::minutes{10}};
  /// How long the parent watches a ready child before the handover is final. 0: final at once.
  std::chrono::milliseconds probation{0};
  /// Generations that may still drain behind the serving one; at the next upgrade the oldest
  /// beyond that is told to leave at once (SIGTERM; a draining generation drops on it).
  std::size_t max_draining = 3;
  /// Written atomically when this generation is ready; empty: none.
  std::string pid_file = {};
  /// The program of the next generation; empty: this program's path as it was started, looked up
  /// again at each upgrade.
  std::string executable = {};
  /// Its arguments after argv[0]; used only if `executable` is set.
  std::vector<std::string> arguments = {};
};

/// What the next generation is offered; asked for at each upgrade.
struct offer {
  std::vector<offered_listener> listeners;
  std::vector<state_blob> state;
};

/// What the owner (the server) is told. All are called on the io_context's thread.
struct generation_events {
  /// Collects what the next generation is to have.
  std::function<offer()> prepare_offer;
  /// The child is ready: stop accepting, drain. `pid` is the child's.
  std::function<void(pid_t pid)> on_handed_over;
  /// The child died within its probation: accept again.
  std::function<void()> on_rolled_back;
  /// Probation is over (or was none): the listeners may be closed.
  std::function<void()> on_final;
  /// A child was started for the upgrade under way. Optional.
  std::function<void(pid_t pid)> on_spawned;
  /// The upgrade under way failed, and its handler is told next: a sentence with the reason (what
  /// the child said, how it ended) and what to do. Optional.
  std::function<void(std::string_view why)> on_failed;
  /// What the parent still had to say when it had drained, before its farewell. Optional.
  std::function<void(const std::vector<state_blob>& last)> on_last_state;
  /// The parent's last word (counters and the like), to the child. Optional.
  std::function<void(std::string_view farewell)> on_farewell;
};

/// This process as one generation of its service: what it inherited, whether it is ready, and how
/// it hands over.
///
/// Invariants: at most one child is not ready; the parent serves until the child is ready; a child
/// that dies, hangs or refuses changes nothing (`upgrading -> serving`); a parent that dies after
/// the descriptors crossed changes nothing for the child. Every wait has a deadline.
///
/// Lives on one io_context's thread; the constructor and `ready`, `progress`, `fail` may be called
/// before that thread runs. Environment variables of the handoff are read and removed by the
/// constructor, which therefore runs before other threads exist (setenv(3) is not thread-safe).
class generation {
 public:
  /// Receives what the parent offers (blocking, with a deadline), or adopts LISTEN_FDS of
  /// sd_listen_fds(3), or begins as generation 1. Throws setup_error if the parent speaks no
  /// common version or offers what is not there.
  generation(boost::asio::io_context& context, generation_options options,
             generation_events events);
  ~generation();
  generation(const generation&) = delete;
  generation& operator=(const generation&) = delete;

  [[nodiscard]] inheritance& inherited() noexcept;
  [[nodiscard]] std::uint32_t number() const noexcept;
  [[nodiscard]] lineage::phase phase() const noexcept;
  /// Whether a parent waits for our word.
  [[nodiscard]] bool has_parent() const noexcept;

  // As a child.
  /// Tells the parent (and systemd: EXTEND_TIMEOUT_USEC, STATUS) that start-up goes on.
  void progress(std::string_view what);
  /// Says why this process cannot serve; the parent logs it and goes on. For use before an exit.
  void fail(std::string_view reason) noexcept;
  /// `starting -> serving`: unclaimed listeners are closed, the pid file is written, supervisor,
  /// systemd and parent are told, in this order. Throws setup_error if the pid file cannot be
  /// written (the parent is told first). If the parent died meanwhile, we go on alone.
  void ready();

  // As a parent.
  using upgrade_handler = std::function<void(result<pid_t>)>;
  /// Starts the next generation. `done` is called exactly once: with the child's pid when it is
  /// ready (after on_handed_over), or with why not; refusals (`in_progress`, `not_serving`) are
  /// reported at once. Every outcome is logged too.
  void upgrade(upgrade_handler done);
  /// `leave`: a graceful exit begins (systemd: STOPPING). A child that is not ready is killed.
  void leave();
  /// The announcement is over (`announcing -> draining`).
  void announced();
  /// `done`: nothing is left. Sends `last` and `farewell` to the child, if there is one, and ends
  /// all waits so that the io_context can run out of work. Blocks while the child does not read, a
  /// second at most.
  void done(std::string_view farewell, const std::vector<state_blob>& last = {});
  /// Other deadlines and bounds, for upgrades that begin from now on; the pid file, the executable
  /// and its arguments stay.
  void update(const generation_options& wanted);
  /// Whether a child took over (false for a plain exit): then unix paths are the child's to unlink.
  [[nodiscard]] bool handed_over() const noexcept;
  /// Whether a probation keeps this generation alive although nothing is open.
  [[nodiscard]] bool on_probation() const noexcept;

 private:
  struct implementation;
  std::unique_ptr<implementation> self_;
};

}  // namespace baton::lineage

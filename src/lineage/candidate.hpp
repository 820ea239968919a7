#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "baton/base/unique_fd.hpp"
#include "lineage/spawn.hpp"

namespace baton::lineage {

/// The process that is to be the next generation, until it is ready (then it is a `successor`) or
/// gone.
///
/// Invariants: its end is told once and its zombie is removed; a child that is told to end has
/// ended within its grace, or is killed. Nothing is told after `release` or `discard`. Lives on the
/// io_context's thread.
class candidate {
 public:
  /// How it ended: waitpid(2)'s status, or nothing if it did not even end when killed.
  struct end {
    std::optional<int> status;
    bool killed = false;  ///< by us
  };

  explicit candidate(boost::asio::io_context& context) : pidfd_{context}, end_timer_{context} {}
  ~candidate() { discard(); }
  candidate(const candidate&) = delete;
  candidate& operator=(const candidate&) = delete;

  /// Takes over the child's pidfd and the duty to reap it. `on_end` may destroy this object.
  void watch(spawned process, std::function<void(end)> on_end);
  /// -1 before there was a child.
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] bool has_ended();

  /// Kills the child unless it ends by itself within `grace`.
  void end_within(std::chrono::milliseconds grace);
  void kill();
  /// The child is ready: it is the caller's to reap.
  [[nodiscard]] unique_fd release();
  /// Kills and reaps the child, waiting for it, if there still is one.
  void discard() noexcept;

 private:
  void await_end();
  void on_readable();
  void arm(std::chrono::milliseconds after, void (candidate::*then)());
  void give_up();
  void finish(end how);

  pid_t pid_ = -1;
  bool ours_ = false;  ///< to reap
  bool killed_ = false;
  boost::asio::posix::stream_descriptor pidfd_;
  boost::asio::steady_timer end_timer_;
  std::function<void(end)> on_end_;
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace baton::lineage

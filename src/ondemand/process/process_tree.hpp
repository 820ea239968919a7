#pragma once

#include <signal.h>
#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// The processes that belong to one started service, wherever they went.
namespace baton::ondemand {

/// By what the processes of a tree are known. A process belongs to it if it is the leader, is in
/// the leader's process group or session (as long as the leader's pid cannot name another process),
/// has `BATON_INSTANCE=marker` in its environment, or descends from one that does.
struct tree_identity {
  /// Unguessable and unique: of `make_marker`. Empty: only the leader's group, session and
  /// descendants.
  std::string marker = {};
  /// 0: there is no leader, only the marker counts.
  pid_t leader = 0;
  /// lineage::start_time of the leader: with it the pid names a process for good.
  std::uint64_t start_time = 0;
};

inline constexpr std::string_view marker_variable = "BATON_INSTANCE";
/// 128 random bits; behind ours and a colon if this process is itself marked, so that the tree of
/// an outer gateway holds what this one starts, and behind `tree` and a colon if that is not empty.
[[nodiscard]] std::string make_marker(std::string_view tree = {});

/// Memory of the living processes of a tree.
struct tree_usage {
  std::size_t processes = 0;
  /// The sum of PSS (/proc/PID/smaps_rollup), of RSS where that cannot be read.
  std::uint64_t memory = 0;
};
/// Reads all of /proc: some ms of standing still. Thread-safe.
[[nodiscard]] tree_usage measure(const tree_identity& identity);

struct tree_stop_options {
  /// How long processes may take to end after `signal`; 0: killed at once.
  std::chrono::milliseconds grace{10'000};
  int signal = SIGTERM;
  /// How long killed processes may take to be gone; those that are still there then are told in the
  /// report. Such a process stands still in the kernel (a dead network file system, say).
  std::chrono::milliseconds kill_limit{5'000};
};

struct tree_report {
  std::size_t signalled = 0;    ///< processes that were asked to end
  std::size_t killed = 0;       ///< processes that had to be killed
  std::size_t forked_away = 0;  ///< of all: those outside the leader's session
  std::chrono::milliseconds took{0};
  std::uint64_t memory_freed = 0;  ///< bytes (tree_usage) of what was there at first and is gone
  std::vector<pid_t> left = {};    ///< what did not even end when killed; empty but for disasters

  /// "3 processes ended within 12 ms (1 killed, 1 had forked away), 45.1 MiB freed".
  [[nodiscard]] std::string to_string() const;
};

/// Ends a tree.
///
/// Invariants: no process outside the tree is ever signalled (a pidfd is opened, the process looked
/// at again, then the pidfd signalled); `done` is called once, by the io_context, never inside a
/// call, and only when a search of /proc found no process of the tree alive, or at the limit; the
/// loop does not stand still: /proc is read on a thread. Lives on the io_context's thread.
class process_tree {
 public:
  using handler = std::function<void(const tree_report&)>;

  process_tree(boost::asio::io_context& context, tree_identity identity);
  /// Nothing is told any more; processes that still live are not signalled any more. Waits for a
  /// search that is under way, some ms.
  ~process_tree();
  process_tree(const process_tree&) = delete;
  process_tree& operator=(const process_tree&) = delete;

  [[nodiscard]] const tree_identity& identity() const noexcept;

  /// Once. `done` may destroy this object.
  void stop(const tree_stop_options& options, handler done);
  [[nodiscard]] bool stopping() const noexcept;
  /// The grace time ends now.
  void hurry();

 private:
  class ending;
  boost::asio::io_context& context_;
  tree_identity identity_;
  std::shared_ptr<ending> ending_;
};

}  // namespace baton::ondemand

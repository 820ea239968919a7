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
#include "baton/ondemand/program.hpp"
#include "ondemand/process/exit_status.hpp"
#include "ondemand/process/notification.hpp"
#include "ondemand/process/process_tree.hpp"

namespace baton::ondemand {

/// A descriptor that the program is given. Stays the caller's.
struct passed_descriptor {
  int fd = -1;
  /// Its name in LISTEN_FDNAMES; empty: "unknown", as sd_listen_fds(3) has it.
  std::string name = {};
  /// The number under which the program finds it; -1: one of LISTEN_FDS, from 3 on in the order of
  /// the list.
  int number = -1;
  /// A variable that tells the number; empty: none.
  std::string variable = {};
};

struct child_options {
  /// Says in log lines whose process this is.
  std::string name = {};
  program what = {};
  std::vector<passed_descriptor> descriptors = {};
  /// Give it a NOTIFY_SOCKET and listen there.
  bool notify = false;
  /// Variables that come from us rather than from the configuration; they win over `what.env`.
  std::vector<std::pair<std::string, std::string>> variables = {};
  /// Of `make_marker`; empty: a new one.
  std::string marker = {};
};

/// All of them optional. Called by the io_context, never inside a call of the child's members; any
/// of them may destroy the child.
struct child_events {
  /// The program runs: its execve(2) has succeeded.
  std::function<void()> on_started = {};
  /// It could not be started, with the reason and the remedy. The last event.
  std::function<void(const std::string& why)> on_not_started = {};
  /// It has ended; what it wrote before is in the tail. Other processes of its tree may live. The
  /// last event.
  std::function<void(const exit_status&)> on_exit = {};
  std::function<void(const notification&)> on_notify = {};
};

/// What another process needs to go on watching a child; the descriptors may be sent there. Invalid
/// descriptors: there was no such output to read.
struct child_handle {
  std::string name = {};
  tree_identity identity = {};
  /// The process whose end is the child's: the leader, or what it named by MAINPID=.
  pid_t main = 0;
  std::uint64_t main_start_time = 0;
  unique_fd output = {};
  unique_fd error_output = {};
  unique_fd notify = {};
  std::chrono::steady_clock::time_point started_at = {};
  /// The last lines that it wrote.
  std::string tail = {};
};

/// A program started by us, or by an earlier generation of us.
///
/// Invariants: it runs in a session and a process group of its own, with exactly the descriptors it
/// was given; exactly one of `on_not_started` and `on_exit` comes, once, unless it is released or
/// destroyed before; its zombie, and with it its pid and its group's number, stays until this
/// object goes, so that these never name another process meanwhile. The loop does not stand still:
/// a thread of its own starts the program. Lives on the io_context's thread.
class child {
 public:
  explicit child(boost::asio::io_context& context);
  /// Kills the process's group if it still lives, and removes the zombie. For all of its tree use a
  /// process_tree of its `identity` before.
  ~child();
  child(const child&) = delete;
  child& operator=(const child&) = delete;

  /// Once. Every failure is told by `on_not_started`.
  void start(child_options options, child_events events);

  /// Instead of `start`: takes over what another process released. False, and nothing is told, if
  /// it does not live any more. Its exit status is known only if it is our child.
  [[nodiscard]] bool adopt(child_handle handle, child_events events);

  /// Gives the process away: it lives on, nothing is told any more, what it writes is not read any
  /// more. Only of one that is `running`.
  [[nodiscard]] child_handle release();
  /// The same as a copy, for a handover that may yet fail; its output is read here as before.
  [[nodiscard]] child_handle share() const;
  /// The same for one who reads its output from now on, until `take_back`; its end is told here as
  /// well.
  [[nodiscard]] child_handle lend();
  void take_back();

  [[nodiscard]] const std::string& name() const noexcept;
  /// Of the process that was started; 0 before `on_started`.
  [[nodiscard]] pid_t pid() const noexcept;
  /// The process whose end is this child's end: `pid()`, or what it named by MAINPID=.
  [[nodiscard]] pid_t main_pid() const noexcept;
  /// Started and not ended.
  [[nodiscard]] bool running() const noexcept;
  [[nodiscard]] std::chrono::steady_clock::time_point started_at() const noexcept;
  [[nodiscard]] const tree_identity& identity() const noexcept;

  /// To the main process; false if it has ended.
  bool send(int signal) noexcept;

  /// The last lines of standard output and error where they go to the log, at most 64 and 16 KiB.
  [[nodiscard]] std::string output_tail() const;
  /// The last STATUS= it told.
  [[nodiscard]] const std::string& status_text() const noexcept;

 private:
  class body;
  std::shared_ptr<body> body_;
};

}  // namespace baton::ondemand

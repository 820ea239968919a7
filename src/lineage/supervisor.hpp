#pragma once

#include <signal.h>
#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <vector>

#include "baton/base/unique_fd.hpp"
#include "baton/lineage/supervisor.hpp"
#include "lineage/handover.hpp"
#include "lineage/pid_file.hpp"
#include "lineage/roster.hpp"
#include "lineage/supervision.hpp"
#include "lineage/systemd.hpp"

namespace baton::lineage {

/// The process of `run_supervisor`.
///
/// Invariants: at most one generation is being started; from the first `serving` to the end the
/// sockets that the serving generation published are open here; what a generation said is heard
/// before its death is acted upon; every child is reaped; it ends only when no generation lives.
class supervisor {
 public:
  explicit supervisor(const supervisor_options& options);
  ~supervisor();
  supervisor(const supervisor&) = delete;
  supervisor& operator=(const supervisor&) = delete;

  int run();

 private:
  using listener_set = std::shared_ptr<const std::vector<inherited_listener>>;

  // What the generations say.
  void await_messages();
  void hear();
  void on_message(supervision_message& message);
  void stage_listeners(supervision_message& message);
  void on_upgrading(const supervision_message& message);
  void on_upgrade_failed(const supervision_message& message);
  void on_leaving(const supervision_message& message);
  void take_over(member& who);

  // Starting a generation.
  void launch();
  void on_launched(std::uint32_t generation, outcome<child> outcome);
  void restart_later();

  // Ends.
  void reap_all();
  void on_end(pid_t pid);
  void on_ended(pid_t pid, int status);
  /// Decides what comes next: nothing, a restart, or the end.
  void settle();
  void await_orphan(const member& orphan);
  void write_pid_file();
  /// Ends the loop; -1: with the last generation's status.
  void finish(int exit_code);

  // Signals.
  void open_signals();
  void close_signals() noexcept;
  void await_signals();
  void on_signal(int number);
  void pass_on_upgrade(int number);
  void begin_leaving(std::string_view why);
  void pump_leave_signals();
  void deliver_leave(int number);

  supervisor_options options_;
  boost::asio::io_context context_{1};
  boost::asio::posix::stream_descriptor signals_{context_};
  boost::asio::posix::stream_descriptor channel_{context_};
  boost::asio::steady_timer restart_timer_{context_};
  boost::asio::steady_timer orphan_timer_{context_};
  boost::asio::steady_timer signal_timer_{context_};
  unique_fd generations_end_;
  systemd manager_;
  watchdog_pinger watchdog_{context_, manager_};
  pid_file pid_file_;
  roster roster_;
  std::unique_ptr<handover> handover_;

  listener_set listeners_;
  pid_t serving_ = 0;
  std::uint32_t last_served_ = 0;
  std::chrono::steady_clock::time_point served_since_{};
  std::chrono::milliseconds pause_;
  bool restart_armed_ = false;
  bool reloading_ = false;

  bool leaving_ = false;
  bool pumping_ = false;
  unsigned delivered_ = 0;
  pid_t told_ = 0;  ///< who got the first signal to leave
  std::deque<int> to_deliver_;

  /// Whose exit status is ours, what it was (as waitpid(2) tells it), and whether it was a wish.
  pid_t last_pid_ = 0;
  int last_status_ = -1;
  bool on_purpose_ = false;
  sigset_t mask_before_{};
  int exit_code_ = 0;
};

}  // namespace baton::lineage

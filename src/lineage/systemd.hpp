#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "baton/base/error.hpp"
#include "baton/lineage/inheritance.hpp"

namespace baton::lineage {

/// This process's word to the service manager: sd_notify(3) and sd_watchdog_enabled(3).
///
/// Invariants: the variables are read once and removed from the environment, so that no helper
/// process can speak for the service; a send never blocks; without NOTIFY_SOCKET every call is a
/// success that does nothing. Calls are thread-safe; `from_environment` is not.
class systemd {
 public:
  systemd() = default;
  explicit systemd(std::string socket, std::chrono::microseconds watchdog = {})
      : socket_{std::move(socket)}, watchdog_{watchdog} {}

  /// Reads and removes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. A watchdog that is meant for
  /// another pid is ignored.
  static systemd from_environment();

  [[nodiscard]] bool enabled() const noexcept { return !socket_.empty(); }
  /// Path, or "@name" in the abstract namespace.
  [[nodiscard]] const std::string& socket() const noexcept { return socket_; }
  /// The interval within which the manager wants to hear a ping; 0: none.
  [[nodiscard]] std::chrono::microseconds watchdog() const noexcept { return watchdog_; }
  /// "NAME=VALUE" for a next generation that is to speak to the manager under its own pid
  /// (WATCHDOG_PID is left out: it names the old one).
  [[nodiscard]] std::vector<std::string> environment() const;

  /// READY=1, with MAINPID of this process, which may differ from the one the manager started.
  [[nodiscard]] error_code ready(std::string_view status = {}) const;
  /// RELOADING=1 with MONOTONIC_USEC, as Type=notify-reload asks for; `ready` follows.
  [[nodiscard]] error_code reloading(std::string_view status = {}) const;
  [[nodiscard]] error_code stopping(std::string_view status = {}) const;
  [[nodiscard]] error_code status(std::string_view text) const;
  [[nodiscard]] error_code main_pid(pid_t pid) const;
  /// More time for the start, the reload or the stop that goes on, counted from now.
  [[nodiscard]] error_code extend_timeout(std::chrono::microseconds by,
                                          std::string_view status = {}) const;
  [[nodiscard]] error_code ping() const;
  /// One datagram of newline separated assignments.
  [[nodiscard]] error_code send(std::string_view state) const;

 private:
  std::string socket_;
  std::chrono::microseconds watchdog_{0};
};

/// Logs `error`, if it is one, as a failed word to the service manager; `what` names the word.
void log_systemd_failure(error_code error, std::string_view what);

/// Pings the manager's watchdog from an io_context at half the interval: a loop that hangs is seen.
/// For the main pid only. Does nothing if no watchdog is asked for. Lives on the loop's thread.
class watchdog_pinger {
 public:
  watchdog_pinger(boost::asio::io_context& context, const systemd& manager)
      : manager_{manager}, timer_{context} {}
  watchdog_pinger(const watchdog_pinger&) = delete;
  watchdog_pinger& operator=(const watchdog_pinger&) = delete;

  void start();
  /// Ends the wait, so that the io_context can run out of work.
  void stop() noexcept;

 private:
  void ping();

  const systemd& manager_;
  boost::asio::steady_timer timer_;
  bool failed_ = false;
};

/// The descriptors of sd_listen_fds(3), close-on-exec, with the names of LISTEN_FDNAMES where a
/// name belongs to one descriptor only (others are matched by address). Whether each is a listening
/// stream socket is the adopter's to check. LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES are removed
/// from the environment. Empty if LISTEN_PID is not this process; throws setup_error if a value is
/// no number or a descriptor is not open.
std::vector<inherited_listener> listen_fds();

}  // namespace baton::lineage

#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "baton/lineage/inheritance.hpp"
#include "lineage/pid_file.hpp"
#include "lineage/spawn.hpp"
#include "lineage/supervision.hpp"
#include "lineage/systemd.hpp"

namespace baton::lineage {

/// Tells the world outside the lineage who serves: pid file, supervisor, service manager.
///
/// Invariants: under a supervisor the pid file and the service manager are the supervisor's; the
/// new main pid is told before anybody is told that this process is ready.
class herald {
 public:
  /// Reads and removes the variables of systemd and the supervisor; not thread-safe. Throws
  /// setup_error if the pid file could not be written.
  herald(boost::asio::io_context& context, std::string pid_file);

  void generation(std::uint32_t number) noexcept { generation_ = number; }
  [[nodiscard]] bool supervised() const noexcept { return supervision_.has_value(); }
  /// What a next generation is given to reach the supervisor.
  [[nodiscard]] std::vector<handed_descriptor> handed_down() const;

  void starting(std::string_view what, std::chrono::milliseconds more_time);
  /// Throws setup_error if the pid file cannot be written.
  void serving(std::span<const offered_listener> listeners);
  void upgrading(pid_t child);
  /// `child` is 0 if none was started. This process serves on, and takes its pid file back.
  void upgrade_failed(pid_t child);
  void handed_over() noexcept { watchdog_.stop(); }
  void leaving();
  /// Removes the pid file if it is still this process's.
  void stopped();
  /// Ends all waits.
  void close() noexcept { watchdog_.stop(); }

 private:
  std::uint32_t generation_ = 1;
  std::optional<supervision> supervision_;
  systemd systemd_;
  watchdog_pinger watchdog_;
  pid_file pid_file_;
};

}  // namespace baton::lineage

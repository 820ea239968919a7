#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "baton/base/unique_fd.hpp"

/// Processes by descriptor: a pidfd never names another process than the one it was opened for.
namespace baton::lineage {

/// pidfd_open(2), close-on-exec; readable once the process has ended. Invalid with errno set.
unique_fd open_pidfd(pid_t pid) noexcept;

/// pidfd_send_signal(2); false with errno set (ESRCH: it has ended).
bool send_signal(int pidfd, int signal) noexcept;

/// poll(2): whether the process has ended.
bool has_ended(int pidfd) noexcept;

/// Field 22 of /proc/PID/stat: clock ticks from boot to the start of `pid`; 0 if there is no such
/// process. Together with the pid it names a process for good.
std::uint64_t start_time(pid_t pid);

/// Waits for our child `pid` without blocking, and removes its zombie. Nothing: it still runs.
/// A child that another part of the program reaped gives `reaped_elsewhere`.
inline constexpr int reaped_elsewhere = -1;
std::optional<int> reap(pid_t pid) noexcept;

/// waitpid(2)'s status in words: "exited with status 3", "was killed by SIGKILL (Killed)".
std::string describe_status(int status);

}  // namespace baton::lineage

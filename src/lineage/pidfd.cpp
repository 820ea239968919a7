#include "lineage/pidfd.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace baton::lineage {

// System calls by number: glibc has wrappers only since 2.36.
unique_fd open_pidfd(pid_t pid) noexcept {
  return unique_fd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
}

bool send_signal(int pidfd, int signal) noexcept {
  return ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0;
}

bool has_ended(int pidfd) noexcept {
  pollfd entry{pidfd, POLLIN, 0};
  return ::poll(&entry, 1, 0) > 0;
}

std::uint64_t start_time(pid_t pid) {
  std::ifstream file{fmt::format("/proc/{}/stat", pid)};
  std::string line;
  if (!std::getline(file, line)) return 0;
  // The second field is the name in parentheses and may hold anything, also a parenthesis.
  const auto name_end = line.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream fields{line.substr(name_end + 1)};
  std::string skipped;
  for (int field = 3; field < 22; ++field) fields >> skipped;
  std::uint64_t ticks = 0;
  fields >> ticks;
  return ticks;
}

std::optional<int> reap(pid_t pid) noexcept {
  int status = 0;
  for (;;) {
    const pid_t answer = ::waitpid(pid, &status, WNOHANG);
    if (answer == pid) return status;
    if (answer == 0) return std::nullopt;
    if (errno != EINTR) return reaped_elsewhere;
  }
}

std::string describe_status(int status) {
  if (status == reaped_elsewhere) return "ended (its status was collected elsewhere)";
  if (WIFEXITED(status)) return fmt::format("exited with status {}", WEXITSTATUS(status));
  const int signal = WTERMSIG(status);
  const char* name = ::sigabbrev_np(signal);
  const char* text = ::sigdescr_np(signal);
  return fmt::format("was killed by SIG{} ({})", name != nullptr ? name : std::to_string(signal),
                     text != nullptr ? text : "no description");
}

}  // namespace baton::lineage

#include "lineage/predecessors.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "baton/base/log.hpp"
#include "lineage/pidfd.hpp"

namespace baton::lineage {

void predecessors::add(const handoff::process& process) {
  if (process.pid <= 0 || process.generation == 0) return;
  auto pidfd = open_pidfd(process.pid);
  // Opened first, compared then: if the start time is right now, the pidfd names that process.
  if (!pidfd || start_time(process.pid) != process.start_time) return;
  auto made = std::make_shared<entry>(
      entry{process, boost::asio::posix::stream_descriptor{context_, pidfd.get()}, false});
  static_cast<void>(pidfd.release());
  entries_.push_back(made);
  watch(made);
}

void predecessors::watch(const std::shared_ptr<entry>& watched) {
  watched->pidfd.async_wait(boost::asio::posix::descriptor_base::wait_read,
                            [this, held = std::weak_ptr{watched}](error_code error) {
                              const auto ended = held.lock();
                              if (error || !ended) return;
                              log_info(fmt::format("generation {} (pid {}) has ended",
                                                   ended->process.generation, ended->process.pid));
                              entries_.remove(ended);
                            });
}

void predecessors::limit(std::size_t most) {
  auto untold = static_cast<std::size_t>(std::count_if(
      entries_.begin(), entries_.end(), [](const auto& held) { return !held->told; }));
  for (const auto& held : entries_) {
    if (untold <= most) return;
    if (held->told) continue;
    held->told = true;
    --untold;
    const auto pid = std::to_string(held->process.pid);
    const auto number = std::to_string(held->process.generation);
    log_notice(fmt::format("more than {} generations still drain: generation {} (pid {}), the "
                           "oldest, is told to end now (SIGTERM)",
                           most, number, pid),
               {{"draining_pid", pid}, {"draining_generation", number}});
    if (!send_signal(held->pidfd.native_handle(), SIGTERM) && errno != ESRCH)
      log_error(
          fmt::format("SIGTERM to generation {} (pid {}) failed: {}; it ends by its drain "
                      "deadline",
                      number, pid, describe_errno(errno)));
  }
}

std::vector<handoff::process> predecessors::list() const {
  std::vector<handoff::process> processes;
  for (const auto& held : entries_) processes.push_back(held->process);
  // A hello has room for so many; the oldest were told to end long ago.
  if (processes.size() > handoff::max_draining)
    processes.erase(processes.begin(), processes.end() - handoff::max_draining);
  return processes;
}

}  // namespace baton::lineage

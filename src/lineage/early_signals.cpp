#include "lineage/early_signals.hpp"

#include "baton/lineage/early_signals.hpp"
#include "lineage/origin.hpp"

namespace baton::lineage {

sigset_t early_signals() noexcept {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal :
       {SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGTERM, SIGCHLD, SIGALRM, SIGWINCH})
    ::sigaddset(&set, signal);
  return set;
}

void unblock_early_signals() noexcept {
  static bool unblocked = false;
  if (unblocked || origin().variable("BATON_HANDOFF").empty()) return;
  unblocked = true;
  const auto set = early_signals();
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace baton::lineage

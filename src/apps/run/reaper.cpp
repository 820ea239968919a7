#include "apps/run/reaper.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

#include "baton/base/error.hpp"
#include "baton/base/log.hpp"

namespace baton::run {
namespace {

constexpr std::chrono::seconds between_looks{1};

/// The state letter of proc(5)'s stat, behind the name, which may hold anything.
char state_of(pid_t pid) {
  std::ifstream file{fmt::format("/proc/{}/stat", pid)};
  std::string text;
  std::getline(file, text);
  const auto end = text.rfind(')');
  return end == std::string::npos || end + 2 >= text.size() ? '?' : text[end + 2];
}

std::set<pid_t> zombie_children() {
  std::set<pid_t> found;
  error_code failed;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task", failed)) {
    std::ifstream children{thread.path() / "children"};
    for (pid_t pid = 0; children >> pid;)
      if (state_of(pid) == 'Z') found.insert(pid);
  }
  return found;
}

}  // namespace

reaper::reaper(boost::asio::io_context& context) : ends_{context, SIGCHLD}, timer_{context} {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
    log_notice(fmt::format("what the program leaves behind goes to another process: prctl: {}",
                           describe_errno(errno)));
}

void reaper::watch() { await(); }

void reaper::close() noexcept {
  closed_ = true;
  error_code ignored;
  ends_.cancel(ignored);
  timer_.cancel();
}

void reaper::await() {
  ends_.async_wait([this](error_code stopped, int /*number*/) {
    if (stopped || closed_) return;  // a signal that came before the end is no error
    look();
    await();
  });
}

/// Now, and again a while later, for as long as there are zombies.
void reaper::look() {
  if (armed_) return;
  armed_ = true;
  timer_.expires_after(between_looks);
  timer_.async_wait([this](error_code stopped) {
    armed_ = false;
    if (!stopped && !closed_) reap();
  });
}

void reaper::reap() {
  std::set<pid_t> fresh;
  for (const pid_t each : zombie_children()) {
    if (spared_.contains(each)) continue;
    if (!seen_.contains(each))
      fresh.insert(each);
    else if (::waitpid(each, nullptr, WNOHANG) < 0 && errno != ECHILD)
      log_error(fmt::format("waitpid({}): {}", each, describe_errno(errno)));
  }
  seen_ = std::move(fresh);
  if (!seen_.empty()) look();
}

}  // namespace baton::run

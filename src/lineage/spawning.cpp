#include "lineage/spawning.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <exception>
#include <system_error>
#include <utility>

#include "baton/base/log.hpp"
#include "baton/lineage/upgrade_error.hpp"

namespace baton::lineage {
namespace {

void end_and_reap(pid_t pid) noexcept {
  // Ours and not reaped, so the pid is still its own, and its group's if it made one; a killed
  // process ends soon.
  ::kill(-pid, SIGKILL);
  ::kill(pid, SIGKILL);
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace

/// What thread and loop share: `made` is the thread's until it has posted, all else the loop's.
struct spawning::attempt {
  attempt(task from, handler then) : what{std::move(from)}, done{std::move(then)} {}

  void run() noexcept {
    try {
      made = what();
    } catch (const std::exception& error) {
      made = failure{upgrade_error::spawn_failed, error.what()};
    }
  }

  task what;
  handler done;  // empty: nobody waits any more
  outcome<spawned> made = failure{upgrade_error::spawn_failed, "not tried"};
};

void spawning::start(prepared_spawn what, handler done) {
  start([held = std::make_shared<prepared_spawn>(std::move(what))] { return held->run(); },
        std::move(done));
}

void spawning::start(task what, handler done) {
  attempt_ = std::make_shared<attempt>(std::move(what), std::move(done));
  const auto work = [this, shared = attempt_, open = boost::asio::make_work_guard(context_)] {
    shared->run();
    boost::asio::post(open.get_executor(), [this, shared] {
      if (shared->done) complete();
    });
  };
  try {
    thread_ = std::thread{work};
  } catch (const std::system_error& error) {
    log_notice(fmt::format(
        "no thread for the start of a process: {}; this one stands still meanwhile", error.what()));
    work();
  }
}

void spawning::complete() {
  if (thread_.joinable()) thread_.join();
  const auto finished = std::exchange(attempt_, nullptr);
  const auto done = std::exchange(finished->done, nullptr);
  done(std::move(finished->made));
}

void spawning::cancel() noexcept {
  if (thread_.joinable()) thread_.join();
  const auto dropped = std::exchange(attempt_, nullptr);
  if (dropped == nullptr) return;
  dropped->done = nullptr;
  if (dropped->made) end_and_reap(dropped->made->pid);
}

}  // namespace baton::lineage

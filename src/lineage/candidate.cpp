#include "lineage/candidate.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>
#include <utility>

#include "baton/base/log.hpp"
#include "lineage/pidfd.hpp"

namespace baton::lineage {
namespace {

/// A killed child ends within this, or something is wrong with the machine.
constexpr std::chrono::seconds kill_grace{10};

}  // namespace

void candidate::watch(spawned process, std::function<void(end)> on_end) {
  pid_ = process.pid;
  ours_ = true;
  on_end_ = std::move(on_end);
  pidfd_.assign(process.pidfd.release());
  await_end();
}

bool candidate::has_ended() { return lineage::has_ended(pidfd_.native_handle()); }

void candidate::await_end() {
  pidfd_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                    [this, alive = std::weak_ptr{alive_}](error_code error) {
                      if (!error && !alive.expired() && ours_) on_readable();
                    });
}

void candidate::on_readable() {
  const auto status = reap(pid_);
  if (!status) return await_end();
  finish({status, killed_});
}

void candidate::end_within(std::chrono::milliseconds grace) {
  if (ours_) arm(grace, &candidate::kill);
}

void candidate::kill() {
  if (!ours_) return;
  killed_ = true;
  send_signal(pidfd_.native_handle(), SIGKILL);
  arm(kill_grace, &candidate::give_up);
}

void candidate::give_up() {
  log_error(fmt::format(
      "the new process (pid {}) did not end although it was killed; it is left behind", pid_));
  finish({std::nullopt, killed_});
}

void candidate::arm(std::chrono::milliseconds after, void (candidate::*then)()) {
  end_timer_.expires_after(after);
  const auto deadline = end_timer_.expiry();
  end_timer_.async_wait([this, alive = std::weak_ptr{alive_}, deadline, then](error_code error) {
    if (error || alive.expired() || !ours_) return;
    // A handler that was queued before the deadline moved has no say.
    if (end_timer_.expiry() == deadline) (this->*then)();
  });
}

unique_fd candidate::release() {
  ours_ = false;
  on_end_ = nullptr;
  end_timer_.cancel();
  return unique_fd{pidfd_.release()};
}

void candidate::discard() noexcept {
  on_end_ = nullptr;
  if (std::exchange(ours_, false)) {
    // Ours and not reaped, so the pid is still its own; a killed process ends soon.
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  error_code ignored;
  pidfd_.close(ignored);
  end_timer_.cancel();
}

void candidate::finish(end how) {
  ours_ = false;
  const auto on_end = std::exchange(on_end_, nullptr);
  discard();
  on_end(how);
}

}  // namespace baton::lineage

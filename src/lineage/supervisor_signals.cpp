// What the supervisor does with signals.

#include <fmt/format.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "baton/base/log.hpp"
#include "baton/lineage/upgrade_error.hpp"
#include "lineage/supervisor.hpp"

namespace baton::lineage {
namespace {

/// A terminal and systemd's KillMode=control-group signal every process of the group themselves.
/// A generation that heard such a signal says so within this time; hearing ours as a second one
/// would make it drop its clients.
constexpr std::chrono::milliseconds group_grace{50};

sigset_t handled_signals() noexcept {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : {SIGCHLD, SIGUSR1, SIGHUP, SIGQUIT, SIGTERM, SIGINT})
    ::sigaddset(&set, number);
  return set;
}

}  // namespace

void supervisor::open_signals() {
  // With SIGCHLD ignored the kernel reaps, and no exit status is left for us.
  static_cast<void>(::signal(SIGCHLD, SIG_DFL));
  const auto set = handled_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, &mask_before_);
  const int fd = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd < 0) {
    throw setup_error{
        fmt::format("the supervisor cannot receive signals: signalfd: {}; raise the "
                    "descriptor limit (ulimit -n)",
                    describe_errno(errno))};
  }
  signals_.assign(fd);
}

void supervisor::close_signals() noexcept {
  ::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
}

void supervisor::await_signals() {
  signals_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](error_code stopped) {
    if (stopped) return;
    signalfd_siginfo info;
    while (::read(signals_.native_handle(), &info, sizeof info) == sizeof info)
      on_signal(static_cast<int>(info.ssi_signo));
    await_signals();
  });
}

void supervisor::on_signal(int number) {
  if (number == SIGCHLD) return reap_all();
  const std::string name{::sigabbrev_np(number)};
  log_notice(fmt::format("Received SIG. [PID:{}, SIG:{}]", ::getpid(), name), {{"signal", name}});
  hear();  // who serves may just have changed
  if (number == SIGUSR1 || number == SIGHUP) return pass_on_upgrade(number);
  to_deliver_.push_back(number);
  begin_leaving(fmt::format("SIG{}", name));
  if (!pumping_) pump_leave_signals();
  settle();
}

void supervisor::pass_on_upgrade(int number) {
  if (serving_ == 0)
    return log_notice("no generation serves yet; the one that starts is the newest program anyway");
  if (!roster_.send(serving_, number))
    log_error(fmt::format("SIG{} did not reach pid {}: {}", ::sigabbrev_np(number), serving_,
                          describe_errno(errno)));
}

void supervisor::begin_leaving(std::string_view why) {
  if (std::exchange(leaving_, true)) return;
  if (restart_armed_) {
    restart_armed_ = false;
    restart_timer_.cancel();
  }
  log_systemd_failure(manager_.stopping(why), "STOPPING");
}

void supervisor::pump_leave_signals() {
  pumping_ = !to_deliver_.empty();
  if (!pumping_) return;
  signal_timer_.expires_after(group_grace);
  signal_timer_.async_wait([this](error_code stopped) {
    if (stopped) return;
    hear();
    const int number = to_deliver_.front();
    to_deliver_.pop_front();
    deliver_leave(number);
    pump_leave_signals();
  });
}

void supervisor::deliver_leave(int number) {
  ++delivered_;
  const auto* serving = roster_.find(serving_);
  if (delivered_ > 1) {
    // The second one means at once, for all.
    roster_.visit([&](const member& who) { roster_.send(who.pid, number); });
    if (handover_)
      handover_->abandon(upgrade_error::not_serving, "the service was told to leave at once");
  } else if (serving != nullptr) {
    told_ = serving_;
    if (!serving->leaving) roster_.send(serving_, number);
  } else if (handover_ && handover_->pid() > 0) {
    // It acts on it once it can; its deadline for being ready holds.
    told_ = handover_->pid();
    ::kill(told_, number);
  }
}

}  // namespace baton::lineage

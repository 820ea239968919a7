#include "lineage/supervisor.hpp"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "baton/base/log.hpp"
#include "baton/lineage/upgrade_error.hpp"
#include "lineage/channel.hpp"
#include "lineage/origin.hpp"
#include "lineage/pidfd.hpp"

namespace baton::lineage {
namespace {

using std::chrono::milliseconds;
using steady = std::chrono::steady_clock;

/// A generation that served this long is not the cause of a crash loop.
constexpr std::chrono::seconds stable_after{10};
/// Descriptors of the supervisor that are no listening sockets.
constexpr std::size_t own_descriptors = 512;

/// The exit status that stands for `status` of waitpid(2), as a shell would say it.
int exit_code_of(int status) noexcept {
  if (status == reaped_elsewhere) return 0;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool left_in_order(int status) noexcept {
  return status != reaped_elsewhere && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/// Lifts the soft descriptor limit only when it is needed, because generations inherit it.
void make_room_for(std::size_t listeners) noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= listeners + own_descriptors)
    return;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, listeners + own_descriptors);
  // If this fails, the missing descriptor is what gets reported.
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

[[noreturn]] void refuse(std::string_view what) {
  throw setup_error{
      fmt::format("the supervisor cannot start: {}: {}; raise the limits of this "
                  "process (ulimit -n) or run without a supervisor",
                  what, describe_errno(errno))};
}

}  // namespace

supervisor::supervisor(const supervisor_options& options)
    : options_{options},
      pid_file_{options.pid_file},
      roster_{context_, [this](pid_t pid) { on_end(pid); }},
      pause_{std::max(options.backoff, milliseconds{1})} {
  static_cast<void>(origin());  // before the environment changes
  manager_ = systemd::from_environment();
  listeners_ = std::make_shared<const std::vector<inherited_listener>>(listen_fds());
  pid_file_.check_writable();
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) refuse("prctl(PR_SET_CHILD_SUBREAPER)");
  auto ends = make_channel();
  if (!ends) refuse("socketpair");
  channel_.assign(ends->first.release());
  generations_end_ = std::move(ends->second);
  open_signals();
}

supervisor::~supervisor() { close_signals(); }

int supervisor::run() {
  log_notice(fmt::format("supervisor starts, pid {}", ::getpid()));
  watchdog_.start();
  await_signals();
  await_messages();
  launch();
  context_.run();
  return exit_code_;
}

void supervisor::await_messages() {
  channel_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](error_code stopped) {
    if (stopped) return;
    hear();
    await_messages();
  });
}

void supervisor::hear() {
  for (;;) {
    auto received = receive_supervision(channel_.native_handle());
    if (received.has_error()) {
      log_error(fmt::format("a message of a generation to its supervisor was dropped: {}",
                            received.error().message()));
      if (peer_gone(received.error())) return;
      continue;
    }
    if (!*received) return;
    on_message(**received);
  }
}

void supervisor::on_message(supervision_message& message) {
  switch (message.type) {
    case supervision_type::listeners:
      return stage_listeners(message);
    case supervision_type::serving:
      return take_over(roster_.admit(message.pid, message.generation));
    case supervision_type::upgrading:
      return on_upgrading(message);
    case supervision_type::upgrade_failed:
      return on_upgrade_failed(message);
    case supervision_type::leaving:
      return on_leaving(message);
  }
}

void supervisor::stage_listeners(supervision_message& message) {
  auto& who = roster_.admit(message.pid, message.generation);
  if (message.first) who.listeners.clear();
  std::ranges::move(message.listeners, std::back_inserter(who.listeners));
  who.published = message.last;
  make_room_for(who.listeners.size() + listeners_->size());
}

void supervisor::on_upgrading(const supervision_message& message) {
  if (message.pid != serving_) return;
  if (message.child != 0) roster_.admit(message.child, message.generation + 1);
  reloading_ = true;
  log_systemd_failure(
      manager_.reloading(fmt::format("generation {} starts", message.generation + 1)), "RELOADING");
}

void supervisor::on_upgrade_failed(const supervision_message& message) {
  // The child had told us that it serves, but not its parent, which serves on.
  if (message.pid != serving_) return take_over(roster_.admit(message.pid, message.generation));
  // An attempt that failed before there was a child is a reload too: systemd waits for the pair.
  if (!reloading_) log_systemd_failure(manager_.reloading(), "RELOADING");
  reloading_ = false;
  log_systemd_failure(
      manager_.ready(fmt::format("generation {} (pid {}) serves; the last upgrade failed",
                                 message.generation, message.pid)),
      "READY");
}

void supervisor::on_leaving(const supervision_message& message) {
  const bool starting = handover_ && message.pid == handover_->pid();
  if (message.pid != serving_ && !starting) return;
  roster_.admit(message.pid, message.generation).leaving = true;
  begin_leaving(fmt::format("generation {} leaves", message.generation));
}

void supervisor::take_over(member& who) {
  if (auto* before = roster_.find(serving_); before != nullptr && before != &who)
    before->role = member_role::draining;
  who.role = member_role::serving;
  if (who.published) {
    // What the one before listened on and this one does not is closed here (F13).
    listeners_ =
        std::make_shared<const std::vector<inherited_listener>>(std::exchange(who.listeners, {}));
    who.published = false;
  }
  if (last_served_ == 0) write_pid_file();
  serving_ = who.pid;
  served_since_ = steady::now();
  last_served_ = std::max(last_served_, who.generation);
  reloading_ = false;
  restart_armed_ = false;
  restart_timer_.cancel();
  orphan_timer_.cancel();
  if (handover_ && handover_->pid() != who.pid)
    handover_->abandon(upgrade_error::in_progress,
                       fmt::format("generation {} (pid {}) serves again", who.generation, who.pid));
  log_info(fmt::format("generation {} serves, pid {}, {} listeners held", who.generation, who.pid,
                       listeners_->size()));
  log_systemd_failure(
      manager_.ready(fmt::format("generation {} (pid {}) serves", who.generation, who.pid)),
      "READY");
  // The wish to leave reached the generation before, which had handed over already.
  if (leaving_ && to_deliver_.empty() && told_ != who.pid) roster_.send(who.pid, SIGTERM);
}

void supervisor::write_pid_file() {
  try {
    pid_file_.write(::getpid());
  } catch (const setup_error& error) {
    log_error(error.what());
  }
}

void supervisor::launch() {
  handover_options options;
  options.program.descriptors = {{generations_end_.get(), supervisor_variable}};
  options.generation = last_served_ + 1;
  options.parent_generation = 0;
  options.ready_timeout = options_.ready_timeout;
  options.ready_timeout_cap = options_.ready_timeout_cap;
  // Generations under a supervisor do not talk to systemd themselves.
  options.on_progress = [this](std::string_view what) {
    if (manager_.enabled())
      log_systemd_failure(manager_.extend_timeout(options_.ready_timeout, what), "starting");
  };
  roster_.visit([&](const member& who) {
    options.draining.push_back({who.generation, who.pid, who.start_time});
  });
  offer what;
  for (const auto& listener : *listeners_)
    what.listeners.push_back({listener.name, listener.address, listener.fd.get()});
  const auto generation = options.generation;
  handover_ = std::make_unique<handover>(context_, std::move(options), std::move(what));
  // The offered descriptors must stay open until completion.
  handover_->start([this, generation, held = listeners_](outcome<child> ended) {
    on_launched(generation, std::move(ended));
  });
}

void supervisor::on_launched(std::uint32_t generation, outcome<child> ended) {
  hear();
  const auto finished = std::move(handover_);
  if (ended.has_value()) {
    auto& who = roster_.admit(ended->pid, generation);
    // A program that says ready, but nothing to its supervisor, serves all the same.
    if (serving_ == 0) take_over(who);
    // Another one serves again since: one of the two is enough.
    if (serving_ != who.pid) roster_.send(who.pid, SIGTERM);
    return reap_all();
  }
  const auto& failed = ended.error();
  if (serving_ != 0) {
    log_info(fmt::format("the start of generation {} was given up: {}", generation, failed.why));
    on_ended(finished->pid(), failed.status);
    return reap_all();
  }
  roster_.remove(finished->pid());
  last_status_ = failed.status;
  log_error(fmt::format("generation {} could not be started: {} ({})", generation, failed.why,
                        failed.code.message()));
  reap_all();
  if (last_served_ != 0) return settle();
  if (!leaving_)
    log_error("it never served, so it is not started again: mend what it complains about");
  finish(failed.status == -1 ? 1 : exit_code_of(failed.status));
}

void supervisor::restart_later() {
  restart_armed_ = true;
  const auto pause = pause_;
  pause_ = std::min(pause_ * 2, std::max(options_.backoff_cap, pause_));
  log_notice(fmt::format("generation {} starts in {} ms; clients wait in the backlog meanwhile",
                         last_served_ + 1, pause.count()));
  log_systemd_failure(
      manager_.status(fmt::format("crashed; a new generation starts in {} ms", pause.count())),
      "STATUS");
  restart_timer_.expires_after(pause);
  restart_timer_.async_wait([this](error_code stopped) {
    if (stopped || !std::exchange(restart_armed_, false)) return;
    launch();
  });
}

void supervisor::reap_all() {
  hear();
  for (;;) {
    siginfo_t ended{};
    if (::waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) != 0 || ended.si_pid == 0) return;
    // The handover reaps its own child, completes, and then we look for the rest.
    if (handover_ && handover_->pid() == ended.si_pid) return;
    if (const auto status = reap(ended.si_pid)) on_ended(ended.si_pid, *status);
  }
}

void supervisor::on_end(pid_t pid) {
  hear();
  // The handover reaps its own child and says so when it completes.
  if (handover_ && handover_->pid() == pid) return;
  if (const auto status = reap(pid)) on_ended(pid, *status);
}

void supervisor::on_ended(pid_t pid, int status) {
  const auto* found = roster_.find(pid);
  if (found == nullptr) {
    // An orphan; or one whose parent left its status for us.
    if (pid == last_pid_ && last_status_ == reaped_elsewhere) last_status_ = status;
    return;
  }
  const auto generation = found->generation;
  const auto role = found->role;
  const bool on_purpose = found->leaving || leaving_ || left_in_order(status);
  roster_.remove(pid);
  const auto line =
      fmt::format("generation {} (pid {}) {}", generation, pid, describe_status(status));
  if (pid != serving_) {
    log_info(line);
    if (role == member_role::starting || serving_ == 0) settle();
    return;
  }
  serving_ = 0;
  last_pid_ = pid;
  last_status_ = status;
  on_purpose_ = on_purpose;
  if (on_purpose) {
    log_notice(line);
  } else {
    log_error(line + " while it served");
    if (steady::now() - served_since_ >= stable_after)
      pause_ = std::max(options_.backoff, milliseconds{1});
  }
  settle();
}

void supervisor::settle() {
  if (serving_ != 0 || handover_) return;
  const auto* orphan = roster_.find(member_role::starting);
  if (on_purpose_ && orphan == nullptr) begin_leaving("the last generation left");
  if (leaving_) {
    // A child that never served has no client to lose.
    if (orphan != nullptr) roster_.send(orphan->pid, SIGKILL);
    if (roster_.empty()) finish(-1);
    return;
  }
  if (orphan != nullptr) return await_orphan(*orphan);
  if (!restart_armed_) restart_later();
}

void supervisor::await_orphan(const member& orphan) {
  log_notice(fmt::format("generation {} (pid {}), which was being started, goes on alone",
                         orphan.generation, orphan.pid));
  orphan_timer_.expires_after(options_.ready_timeout_cap);
  orphan_timer_.async_wait([this, pid = orphan.pid](error_code stopped) {
    const auto* late = roster_.find(pid);
    if (stopped || late == nullptr || late->role != member_role::starting) return;
    log_error(fmt::format("generation {} (pid {}) was not ready within {} ms and is killed",
                          late->generation, pid, options_.ready_timeout_cap.count()));
    roster_.send(pid, SIGKILL);
  });
}

void supervisor::finish(int exit_code) {
  if (exit_code < 0) {
    reap_all();  // a status that its parent did not collect is ours by now
    exit_code = exit_code_of(last_status_);
  }
  exit_code_ = exit_code;
  if (const auto failed = pid_file_.remove(::getpid()))
    log_error(fmt::format("could not remove pid file {}: {}", pid_file_.path(),
                          describe_errno(failed.value())));
  log_notice(fmt::format("supervisor ends with status {}", exit_code_));
  context_.stop();
}

int run_supervisor(const supervisor_options& options) { return supervisor{options}.run(); }

}  // namespace baton::lineage

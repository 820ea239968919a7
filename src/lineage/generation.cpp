#include "baton/lineage/generation.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/steady_timer.hpp>
#include <optional>
#include <utility>

#include "base/fault.hpp"
#include "baton/base/log.hpp"
#include "lineage/arrival.hpp"
#include "lineage/handover.hpp"
#include "lineage/herald.hpp"
#include "lineage/origin.hpp"
#include "lineage/parent_link.hpp"
#include "lineage/pidfd.hpp"
#include "lineage/predecessors.hpp"
#include "lineage/successor.hpp"

namespace baton::lineage {
namespace {

std::string_view remedy(error_code code) noexcept {
  if (code == upgrade_error::executable_missing) return "put the program back at its path";
  if (code == upgrade_error::spawn_failed) return "free memory, processes or descriptors";
  if (code == upgrade_error::child_late) return "let it report progress or raise ready_timeout";
  if (code == upgrade_error::child_refused) return "remove the reason it gave";
  if (code == upgrade_error::version_mismatch) return "stop the service and start the new program";
  return "look at its own log lines";
}

}  // namespace

struct generation::implementation {
  implementation(boost::asio::io_context& with, generation_options chosen,
                 generation_events listeners)
      : context{with},
        options{std::move(chosen)},
        events{std::move(listeners)},
        ancestors{with},
        probation{with} {}

  void begin();
  void adopt(arrival&& arrived);
  void close_unclaimed();
  bool advance(event on);
  [[nodiscard]] bool may_upgrade(const upgrade_handler& done) const;
  void start_handover();
  void child_ready(child process);
  void child_failed(const failure& why);
  void child_ended(successor::end how);
  void roll_back(const std::string& what);
  void begin_probation();
  void end_probation();
  void finish_upgrade(result<pid_t> outcome);
  void release();

  boost::asio::io_context& context;
  generation_options options;
  generation_events events;
  lineage::phase phase = phase::starting;
  inheritance inherited;
  std::optional<lineage::herald> herald;
  std::optional<parent_link> parent;
  predecessors ancestors;
  std::optional<handover> attempt;
  std::optional<successor> heir;
  boost::asio::steady_timer probation;
  bool probing = false;
  bool handed_over = false;
  upgrade_handler upgrade_done;
  std::shared_ptr<const bool> alive = std::make_shared<const bool>(true);
};

void generation::implementation::begin() {
  static_cast<void>(origin());
  if (auto arrived = arrive()) {
    adopt(std::move(*arrived));
  } else {
    inherited.listeners = listen_fds();
  }
  set_log_generation(inherited.generation);
  try {
    herald.emplace(context, options.pid_file);
  } catch (const setup_error& error) {
    if (parent) parent->fail(error.what());
    throw;
  }
  herald->generation(inherited.generation);
  scrub_environment();
}

void generation::implementation::adopt(arrival&& arrived) {
  inherited = std::move(arrived.inherited);
  for (const auto& process : arrived.hello.draining) ancestors.add(process);
  ancestors.add(arrived.hello.parent);
  parent.emplace(context, std::move(arrived.channel), arrived.hello.parent, arrived.sequence);
  const auto count = std::to_string(inherited.listeners.size());
  const auto parent_pid = std::to_string(arrived.hello.parent.pid);
  log_info(fmt::format("took over {} listeners and {} state blobs from pid {}", count,
                       inherited.state.size(), parent_pid),
           {{"listeners", count}, {"parent_pid", parent_pid}});
}

void generation::implementation::close_unclaimed() {
  constexpr std::size_t named = 5;
  const auto& unclaimed = inherited.listeners;
  std::string names;
  for (std::size_t i = 0; i < unclaimed.size() && i < named; ++i)
    names +=
        fmt::format("{}\"{}\" at {}", i == 0 ? "" : ", ", unclaimed[i].name, unclaimed[i].address);
  if (!unclaimed.empty())
    log_notice(fmt::format("{} inherited listeners are closed because nobody claimed them: {}{}",
                           unclaimed.size(), names, unclaimed.size() > named ? ", ..." : ""));
  inherited.listeners.clear();
}

bool generation::implementation::advance(event on) {
  const auto reached = next(phase, on);
  if (reached) phase = *reached;
  return reached.has_value();
}

bool generation::implementation::may_upgrade(const upgrade_handler& done) const {
  if (next(phase, event::upgrade)) return true;
  const auto why =
      phase == phase::upgrading ? upgrade_error::in_progress : upgrade_error::not_serving;
  log_error(fmt::format("start new process refused: {} (this generation is {})",
                        make_error_code(why).message(), to_string(phase)));
  if (done) done(make_error_code(why));
  return false;
}

void generation::implementation::start_handover() {
  ancestors.limit(options.max_draining);
  handover_options how;
  how.program = {options.executable, options.arguments, herald->handed_down()};
  how.generation = inherited.generation + 1;
  how.parent_generation = inherited.generation;
  how.draining = ancestors.list();
  how.ready_timeout = options.ready_timeout;
  how.ready_timeout_cap = options.ready_timeout_cap;
  how.on_spawned = [this](pid_t pid) {
    herald->upgrading(pid);
    if (pid != 0 && events.on_spawned) events.on_spawned(pid);
  };
  how.spawn_aside = true;
  attempt.emplace(context, std::move(how), events.prepare_offer ? events.prepare_offer() : offer{});
  attempt->start([this](outcome<child> result) {
    if (result) {
      child_ready(std::move(*result));
    } else {
      child_failed(result.error());
    }
  });
}

void generation::implementation::child_ready(child process) {
  attempt.reset();
  const auto pid = process.pid;
  heir.emplace(context, std::move(process), [this](successor::end how) { child_ended(how); });
  advance(event::child_ready);
  handed_over = true;
  herald->handed_over();
  if (parent) parent->leaving();
  const auto child_pid = std::to_string(pid);
  const auto number = std::to_string(inherited.generation + 1);
  log_notice(fmt::format("start new process success, pid {}.", child_pid),
             {{"child_pid", child_pid}, {"child_generation", number}});
  begin_probation();
  if (events.on_handed_over) events.on_handed_over(pid);
  if (!probing && phase == phase::draining && events.on_final) events.on_final();
  baton::fault::reach("parent.after_ready");
  finish_upgrade(pid);
}

void generation::implementation::child_failed(const failure& why) {
  const auto pid = std::max(attempt->pid(), 0);
  attempt.reset();
  const bool serves = advance(event::child_lost);
  const auto child_pid = std::to_string(pid);
  log_error(fmt::format("start new process failed: {}; {}; {} and try again.", why.why,
                        serves ? "this generation goes on serving" : "this generation is leaving",
                        remedy(why.code)),
            {{"child_pid", child_pid}, {"reason", why.code.message()}});
  if (events.on_failed)
    events.on_failed(fmt::format("{}; {} and try again", why.why, remedy(why.code)));
  if (serves) herald->upgrade_failed(pid);
  finish_upgrade(why.code);
}

void generation::implementation::finish_upgrade(result<pid_t> outcome) {
  const auto done = std::exchange(upgrade_done, nullptr);
  if (done) done(outcome);
}

void generation::implementation::begin_probation() {
  if (options.probation <= options.probation.zero()) return;
  probing = true;
  probation.expires_after(options.probation);
  probation.async_wait([this, held = std::weak_ptr{alive}](error_code error) {
    if (!error && !held.expired()) end_probation();
  });
}

void generation::implementation::end_probation() {
  if (!probing) return;
  probing = false;
  if (events.on_final) events.on_final();
}

void generation::implementation::child_ended(successor::end how) {
  const auto what =
      fmt::format("the new process (pid {}) {}", heir->pid(), describe_status(how.status));
  heir.reset();
  if (how.on_purpose) {
    // It handed over in its turn, or was told to leave: nothing to put right.
    log_info(fmt::format("{}, on purpose, while this generation still drains", what));
    probation.cancel();
    end_probation();
  } else if (probing && next(phase, event::child_lost)) {
    roll_back(what);
  } else {
    log_error(
        fmt::format("{} while this generation still drains; the handover is final, so "
                    "nothing accepts here: a supervisor or systemd starts the service anew",
                    what));
  }
}

void generation::implementation::roll_back(const std::string& what) {
  advance(event::child_lost);
  probing = false;
  handed_over = false;
  probation.cancel();
  log_error(
      fmt::format("{} within its probation; this generation serves again; look at its own "
                  "log lines and try again.",
                  what));
  if (events.on_rolled_back) events.on_rolled_back();
  try {
    herald->serving(events.prepare_offer ? events.prepare_offer().listeners
                                         : std::vector<offered_listener>{});
  } catch (const setup_error& error) {
    log_error(error.what());
  }
}

void generation::implementation::release() {
  attempt.reset();
  heir.reset();
  parent.reset();
  ancestors.close();
  probing = false;
  probation.cancel();
  if (herald) herald->close();
}

generation::generation(boost::asio::io_context& context, generation_options options,
                       generation_events events)
    : self_{std::make_unique<implementation>(context, std::move(options), std::move(events))} {
  self_->begin();
}

generation::~generation() = default;

inheritance& generation::inherited() noexcept { return self_->inherited; }
std::uint32_t generation::number() const noexcept { return self_->inherited.generation; }
phase generation::phase() const noexcept { return self_->phase; }
bool generation::has_parent() const noexcept { return self_->parent && self_->parent->waits(); }
bool generation::handed_over() const noexcept { return self_->handed_over; }
bool generation::on_probation() const noexcept { return self_->probing; }

void generation::progress(std::string_view what) {
  if (self_->phase != phase::starting) return;
  self_->herald->starting(what, self_->options.ready_timeout);
  if (self_->parent) self_->parent->progress(what);
}

void generation::fail(std::string_view reason) noexcept {
  if (self_->parent) self_->parent->fail(reason);
}

void generation::ready() {
  auto& self = *self_;
  if (self.phase != phase::starting) return;
  self.close_unclaimed();
  baton::fault::reach("child.before_ready");
  try {
    const bool publishes = self.herald->supervised() && self.events.prepare_offer;
    const auto offered = publishes ? self.events.prepare_offer() : offer{};
    self.herald->serving(offered.listeners);
  } catch (const setup_error& error) {
    fail(error.what());
    throw;
  }
  self.advance(event::ready);
  if (self.parent) {
    self.parent->ready();
    self.parent->watch(self.events.on_last_state, self.events.on_farewell);
  }
  baton::fault::reach("child.after_ready");
}

void generation::upgrade(upgrade_handler done) {
  if (!self_->may_upgrade(done)) return;
  self_->advance(event::upgrade);
  self_->upgrade_done = std::move(done);
  self_->start_handover();
}

void generation::leave() {
  if (!self_->advance(event::leave)) return;
  if (self_->attempt)
    self_->attempt->abandon(upgrade_error::not_serving,
                            "this generation was told to leave, so the new process was killed");
  self_->herald->leaving();
  if (self_->parent) self_->parent->leaving();
}

void generation::announced() { self_->advance(event::announced); }

void generation::update(const generation_options& wanted) {
  self_->options.ready_timeout = wanted.ready_timeout;
  self_->options.ready_timeout_cap = wanted.ready_timeout_cap;
  self_->options.probation = wanted.probation;
  self_->options.max_draining = wanted.max_draining;
}

void generation::done(std::string_view farewell, const std::vector<state_blob>& last) {
  if (phase() == phase::stopped) return;
  // A stop without a drain takes the same way, only at once.
  leave();
  announced();
  self_->advance(event::done);
  if (self_->heir) {
    self_->heir->tell(last);
    if (!farewell.empty()) self_->heir->farewell(farewell);
  }
  const bool was_upgrading = self_->attempt.has_value();
  self_->release();
  if (!self_->handed_over) self_->herald->stopped();
  if (was_upgrading) self_->finish_upgrade(make_error_code(upgrade_error::not_serving));
}

}  // namespace baton::lineage

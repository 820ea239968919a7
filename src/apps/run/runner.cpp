#include "apps/run/runner.hpp"

#include <fmt/format.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "baton/base/error.hpp"
#include "baton/base/log.hpp"
#include "ondemand/process/duration_text.hpp"

namespace baton::run {
namespace {

using ondemand::in_words;

constexpr int cannot_start = 127;  // as the shell and env(1) have it
constexpr int unavailable = 69;    // EX_UNAVAILABLE, sysexits.h

/// Having run for so long, a program that fails is started again without a pause.
constexpr std::chrono::seconds steady_after{10};

ondemand::service_options described(const options& from, const std::string& name) {
  ondemand::service_options made;
  made.name = name;
  made.kind = ondemand::child_service{.run = from.what, .stop_signal = from.stop_signal};
  made.ready = from.ready;
  made.start_timeout = from.ready_timeout;
  made.stop_timeout = from.stop_timeout;
  return made;
}

milliseconds since(std::chrono::steady_clock::time_point then) {
  return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - then);
}

/// A log record is one line.
std::string one_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  for (auto at = text.find('\n'); at != std::string::npos; at = text.find('\n', at))
    text.replace(at, 1, " / ");
  return text;
}

}  // namespace

/// One run of the program.
struct runner::instance {
  enum class phase : unsigned char { starting, settling, serving, leaving, ending };

  instance(runner& of, std::string called)
      : name{std::move(called)},
        works{of.context_,
              described(of.options_, name),
              {.on_spawned = [&of, this] { of.spawned(*this); },
               .on_ready = [&of, this] { of.ready(*this); },
               .on_failed = [&of, this](const std::string& why) { of.failed(*this, why); },
               .on_stopped = [&of, this](const std::string& left) { of.ended(*this, left); }},
              of.sockets_.descriptors()},
        timer{of.context_} {}

  std::string name;
  ondemand::child_starter works;
  boost::asio::steady_timer timer;  // of settling, and of leaving
  steady::time_point begun = steady::now();
  phase at = phase::starting;
  bool was_spawned = false;
  bool asked = false;  // to leave
};

runner::runner(options wanted)
    : options_{std::move(wanted)},
      sockets_{options_.listen, options_.backlog},
      manager_{lineage::systemd::from_environment()},
      watchdog_{context_, manager_},
      pid_file_{options_.pid_file},
      reaper_{context_},
      signals_{context_, SIGUSR1, SIGHUP, SIGQUIT},
      restart_timer_{context_} {
  options_.what.validate();
  pid_file_.check_writable();
  for (const int each : {SIGTERM, SIGINT}) signals_.add(each);
  for (const int each : options_.forward) signals_.add(each);
}

runner::~runner() = default;

int runner::run() {
  await_signal();
  reaper_.watch();
  start("the first start");
  context_.run();
  pid_file_.remove(::getpid());
  return status_;
}

void runner::start(std::string_view why) {
  const auto name = fmt::format("{}[{}]", options_.name, ++started_);
  log_info(fmt::format("{}: starting {} ({})", name, options_.what.to_string(), why),
           {{"event", "instance_starting"}, {"instance", name}});
  instances_.push_back(std::make_unique<instance>(*this, name));
  candidate_ = instances_.back().get();
  candidate_->works.start();
}

void runner::spawned(instance& who) {
  who.was_spawned = true;
  reaper_.spare(who.works.pid());
}

void runner::ready(instance& who) {
  if (who.at != instance::phase::starting) return;
  if (options_.settle.count() == 0) return take_over(who);
  who.at = instance::phase::settling;
  who.timer.expires_after(options_.settle);
  who.timer.async_wait([this, &who](error_code stopped) {
    if (!stopped && who.at == instance::phase::settling) take_over(who);
  });
}

void runner::take_over(instance& who) {
  auto* const before = std::exchange(serving_, &who);
  candidate_ = nullptr;
  who.at = instance::phase::serving;
  log_notice(fmt::format("{}: ready after {}, pid {}", who.name, in_words(since(who.begun)),
                         who.works.pid()),
             {{"event", "instance_ready"}, {"instance", who.name}});
  if (!announced_) {
    pid_file_.write(::getpid());
    watchdog_.start();
  }
  announced_ = true;
  lineage::log_systemd_failure(
      manager_.ready(fmt::format("{} serves, pid {}", who.name, who.works.pid())), "READY=1");
  if (before != nullptr) ask_to_leave(*before);
}

void runner::ask_to_leave(instance& who) {
  if (who.at == instance::phase::leaving || who.at == instance::phase::ending) return;
  who.asked = true;
  // One that does not serve yet has nothing to finish.
  if (who.at == instance::phase::starting || !who.works.send(options_.stop_signal)) {
    who.at = instance::phase::ending;
    return who.works.stop();
  }
  who.at = instance::phase::leaving;
  log_info(fmt::format("{}: asked to leave (SIG{}), within {}", who.name,
                       ::sigabbrev_np(options_.stop_signal), in_words(options_.stop_timeout)),
           {{"event", "instance_leaving"}, {"instance", who.name}});
  who.timer.expires_after(options_.stop_timeout);
  who.timer.async_wait([this, &who](error_code stopped) {
    if (!stopped && who.at == instance::phase::leaving) kill(who);
  });
  bound_leaving();
}

void runner::bound_leaving() {
  const auto leaving = [](const auto& each) { return each->at == instance::phase::leaving; };
  const auto count = std::count_if(instances_.begin(), instances_.end(), leaving);
  if (leaving_ || static_cast<std::size_t>(count) <= options_.max_draining) return;
  const auto& oldest = **std::find_if(instances_.begin(), instances_.end(), leaving);
  log_notice(
      fmt::format("{}: killed, since more than {} replaced ones are still leaving "
                  "(--max-draining)",
                  oldest.name, options_.max_draining));
  kill(const_cast<instance&>(oldest));
}

void runner::kill(instance& who) {
  if (who.at != instance::phase::ending) who.works.stop();
  who.at = instance::phase::ending;
  who.works.hurry();
}

/// It could not be started, was not ready in time, or has ended by itself or at our wish.
void runner::failed(instance& who, const std::string& why) {
  if (who.at == instance::phase::ending) return;
  const bool was_candidate = candidate_ == &who;
  if (serving_ == &who) serving_ = nullptr;
  if (was_candidate) candidate_ = nullptr;
  who.at = instance::phase::ending;
  who.timer.cancel();
  if (who.asked)
    log_info(fmt::format("{}: has left: {}", who.name, why), {{"instance", who.name}});
  else if (was_candidate && serving_ != nullptr) {
    log_error(fmt::format("{}: does not take over: {}; {} goes on", who.name, why, serving_->name),
              {{"event", "replacement_failed"}, {"instance", who.name}});
    lineage::log_systemd_failure(manager_.ready(fmt::format("{} goes on: {}", serving_->name, why)),
                                 "READY=1");
  } else if (!leaving_) {
    ended_by_itself(who, why);
  }
  who.works.stop();
}

void runner::ended_by_itself(instance& who, const std::string& why) {
  last_ = &who;
  const auto& exit = who.works.last_exit();
  const bool well = exit && exit->success();
  log(well ? log_level::notice : log_level::error, fmt::format("{}: {}", who.name, why),
      {{"event", "instance_ended"}, {"instance", who.name}});
  if (const auto tail = one_line(who.works.output_tail()); !well && !tail.empty())
    log_error(fmt::format("{}: its last lines: {}", who.name, tail));
  if (candidate_ != nullptr)
    return log_notice(fmt::format("{} is being started already", candidate_->name));
  if (!who.was_spawned && started_ == 1) return leave("it cannot be started");
  if (options_.restart == restart_policy::never ||
      (well && options_.restart == restart_policy::on_failure))
    return leave(fmt::format("--restart {}",
                             options_.restart == restart_policy::never ? "never" : "on-failure"));
  restart(since(who.begun) >= steady_after);
}

void runner::restart(bool had_run_long) {
  failures_ = had_run_long ? 0 : failures_ + 1;
  if (options_.max_failures != 0 && failures_ >= options_.max_failures) {
    last_ = nullptr;
    status_ = unavailable;
    return leave(fmt::format("it failed {} times in a row (--max-failures)", failures_));
  }
  auto pause = failures_ == 0 ? milliseconds{0} : options_.backoff;
  for (unsigned i = 1; i < failures_ && pause < options_.backoff_cap; ++i) pause *= 2;
  pause = std::min(pause, options_.backoff_cap);
  if (pause.count() > 0) log_notice(fmt::format("started again in {}", in_words(pause)));
  restart_timer_.expires_after(pause);
  restart_timer_.async_wait([this](error_code stopped) {
    if (!stopped && candidate_ == nullptr && !leaving_) start("a restart");
  });
}

void runner::replace() {
  if (leaving_) return log_notice("not replaced: we are leaving");
  if (candidate_ != nullptr)
    return log_notice(
        fmt::format("not replaced: {} is being started already; wait until it is "
                    "ready, or has failed",
                    candidate_->name));
  restart_timer_.cancel();
  lineage::log_systemd_failure(manager_.reloading("the next instance starts"), "RELOADING=1");
  start("a replacement");
}

void runner::ended(instance& who, const std::string& left) {
  if (!left.empty()) log_error(fmt::format("{}: {}", who.name, left), {{"instance", who.name}});
  // Not within its own event.
  boost::asio::post(context_, [this, &who] {
    if (std::exchange(last_, last_ == &who ? nullptr : last_) == &who) status_ = status_of(who);
    if (who.works.last_exit()) reaper_.forget(who.works.pid());
    instances_.remove_if([&who](const auto& each) { return each.get() == &who; });
    finish_if_over();
  });
}

int runner::status_of(const instance& who) const {
  const auto& exit = who.works.last_exit();
  if (!exit) return who.was_spawned ? unavailable : cannot_start;
  if (const auto code = exit->code()) return *code;
  const auto signal = exit->signal().value_or(0);
  return who.asked && signal == options_.stop_signal ? 0 : 128 + signal;
}

void runner::leave(std::string_view why) {
  if (std::exchange(leaving_, true)) return;
  log_notice(fmt::format("leaving: {}", why), {{"event", "leaving"}});
  lineage::log_systemd_failure(manager_.stopping(why), "STOPPING=1");
  restart_timer_.cancel();
  if (serving_ != nullptr) last_ = serving_;
  for (const auto& each : instances_) ask_to_leave(*each);
  finish_if_over();
}

void runner::finish_if_over() {
  if (!leaving_ || !instances_.empty()) return;
  error_code ignored;
  signals_.cancel(ignored);
  watchdog_.stop();
  reaper_.close();
}

void runner::await_signal() {
  signals_.async_wait([this](error_code stopped, int number) {
    if (stopped) return;
    on_signal(number);
    if (!leaving_ || !instances_.empty()) await_signal();
  });
}

void runner::on_signal(int number) {
  const std::string name{::sigabbrev_np(number)};
  log_notice(fmt::format("Received SIG. [PID:{}, SIG:{}]", ::getpid(), name), {{"signal", name}});
  if (number == SIGUSR1 || number == SIGHUP) return replace();
  if (number != SIGQUIT && number != SIGTERM && number != SIGINT) return pass_on(number);
  if (!leaving_) return leave(fmt::format("SIG{}", name));
  for (const auto& each : instances_) kill(*each);
}

void runner::pass_on(int number) {
  auto* const to = serving_ != nullptr ? serving_ : candidate_;
  if (to == nullptr || !to->works.send(number))
    log_notice(
        fmt::format("SIG{} is not passed on: the program does not run", ::sigabbrev_np(number)));
}

}  // namespace baton::run

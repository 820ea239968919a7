#include "ondemand/starter/command_starter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "baton/base/error.hpp"
#include "baton/base/log.hpp"
#include "ondemand/process/duration_text.hpp"

namespace baton::ondemand {
namespace {

using steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

// Between two runs of the check command behind a stop.
constexpr milliseconds first_pause{10};
constexpr milliseconds longest_pause{500};
/// Of each at least, however short the stop is to be: one that is cut off has said nothing.
constexpr std::chrono::seconds check_time{5};

/// At least a millisecond.
milliseconds left_until(steady::time_point then) {
  return std::max(std::chrono::ceil<milliseconds>(then - steady::now()), milliseconds{1});
}

}  // namespace

command_starter::command_starter(boost::asio::io_context& context, service_options service,
                                 starter_events events)
    : context_{context},
      service_{std::move(service)},
      target_{service_.target},
      events_{std::move(events)},
      timer_{context} {}

command_starter::~command_starter() = default;

const command_service& command_starter::kind() const {
  return std::get<command_service>(service_.kind);
}

/// Takes the place of what ran before, which is ended.
void command_starter::run(const char* which, const program& what, milliseconds timeout,
                          outcome_handler then) {
  running_ = which;
  command_ = std::make_unique<command>(context_);
  command_->start(
      {.name = fmt::format("{} {}", service_.name, which), .what = what, .timeout = timeout},
      [this, then = std::move(then)](const command_outcome& outcome) {
        // `then` may run the next one.
        over_ = std::move(command_);
        running_ = "";
        then(outcome);
      });
}

void command_starter::start() {
  stopping_ = hurried_ = false;
  target_ = service_.target;
  tail_.clear();
  began_ = steady::now();
  if (!kind().check) return run_start();
  run("check", *kind().check, service_.start_timeout, [this](const command_outcome& outcome) {
    if (!outcome.success()) return run_start();
    log_info(fmt::format("{}: it runs already, as its check command says", service_.name),
             {{"event", "service_found"}, {"service", service_.name}});
    events_.on_spawned();
    wait_until_ready();
  });
}

void command_starter::run_start() {
  run("start", kind().start, left_until(began_ + service_.start_timeout),
      [this](const command_outcome& outcome) {
        tail_ = outcome.output;
        if (!outcome.success()) return fail(fmt::format("its start command {}", outcome.why));
        started_ = std::move(over_);
        events_.on_spawned();
        wait_until_ready();
      });
}

void command_starter::wait_until_ready() {
  if (stopping_) return;  // the handler of on_spawned wanted that
  readiness_ = std::make_unique<readiness>(context_);
  readiness_->start({.check = service_.ready,
                     .timeout = left_until(began_ + service_.start_timeout),
                     .name = service_.name},
                    [this](const readiness_outcome& outcome) {
                      readiness_.reset();
                      if (!outcome.ready()) return fail(outcome.why);
                      events_.on_ready();
                    });
}

void command_starter::fail(const std::string& why) {
  if (!stopping_) events_.on_failed(why);
}

void command_starter::stop() {
  if (std::exchange(stopping_, true)) return;
  readiness_.reset();
  command_.reset();
  give_up_ = steady::now() + service_.stop_timeout;
  pause_ = first_pause;
  if (!kind().stop) return boost::asio::post(context_, [this] { stopped({}); });
  run("stop", *kind().stop, service_.stop_timeout, [this](const command_outcome& outcome) {
    tail_ = outcome.output;
    if (!outcome.success() && !kind().check)
      return stopped(fmt::format("its stop command {}", outcome.why));
    if (!outcome.success())
      log_error(
          fmt::format("{}: its stop command {}; its check command is asked whether it still "
                      "runs",
                      service_.name, outcome.why));
    if (kind().check) return check_gone();
    stopped({});
  });
}

/// One that says no has ended; one that says nothing is asked again.
void command_starter::check_gone() {
  const auto patience = std::max<std::chrono::milliseconds>(service_.stop_timeout, check_time);
  run("check", *kind().check, patience, [this](const command_outcome& outcome) {
    const bool answered = outcome.end == command_end::exited;
    if (answered && !outcome.success()) return stopped({});
    if (!hurried_ && steady::now() < give_up_) return check_again();
    const auto time = in_words(service_.stop_timeout);
    stopped(answered
                ? fmt::format("it still runs {} after the stop was begun, as its check command "
                              "says: see what its stop command does",
                              time)
                : fmt::format("whether it still runs {} after the stop was begun nobody knows: its "
                              "check command {}",
                              time, outcome.why));
  });
}

void command_starter::check_again() {
  timer_.expires_after(std::exchange(pause_, std::min(pause_ * 2, longest_pause)));
  timer_.async_wait([this](error_code cancelled) {
    if (!cancelled) check_gone();
  });
}

holdings command_starter::lend() {
  holdings made{.target = target_, .output = tail_};
  if (started_ != nullptr) made.process = started_->lend_output();
  if (inherited_ == nullptr) return made;
  auto& to = made.process.emplace();
  inherited_->output.pause();
  inherited_->error_output.pause();
  to.output = inherited_->output.share();
  to.error_output = inherited_->error_output.share();
  return made;
}

void command_starter::take_back() {
  if (started_ != nullptr) started_->take_back();
  if (inherited_ == nullptr) return;
  inherited_->output.begin();
  inherited_->error_output.begin();
}

bool command_starter::adopt(holdings what) {
  tail_ = std::move(what.output);
  if (what.process && what.process->main != 0) return false;
  if (what.target.kind() != net::address::family::none) target_ = std::move(what.target);
  if (!what.process) return true;
  inherited_ = std::make_unique<leftover>(context_);
  const auto told = [this](std::string_view line) {
    log_info(fmt::format("{}: {}", service_.name, line), {{"service", service_.name}});
  };
  inherited_->output.adopt(std::move(what.process->output), told);
  inherited_->error_output.adopt(std::move(what.process->error_output), told);
  return true;
}

void command_starter::hurry() { hurried_ = true; }

void command_starter::stopped(const std::string& left) {
  started_.reset();
  inherited_.reset();
  stopping_ = false;
  events_.on_stopped(left);
}

std::string command_starter::progress() const {
  if (readiness_ != nullptr) return readiness_->why_not_yet();
  return *running_ != '\0' ? fmt::format("its {} command runs", running_) : std::string{};
}

}  // namespace baton::ondemand

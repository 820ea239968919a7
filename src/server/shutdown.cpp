#include "baton/server/shutdown.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "baton/base/error.hpp"
#include "baton/base/log.hpp"
#include "server/shutdown_sequence.hpp"

namespace baton {
namespace {

using std::chrono::milliseconds;

/// After the drop every service has let go of its connections within this, or is broken.
constexpr milliseconds drop_patience{1000};

milliseconds since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start);
}

}  // namespace

std::string_view to_string(shutdown_step step) noexcept {
  switch (step) {
    case shutdown_step::announce:
      return "announce";
    case shutdown_step::stop_accepting:
      return "stop accepting";
    case shutdown_step::drain:
      return "drain";
    case shutdown_step::drop:
      return "drop";
    case shutdown_step::hooks:
      return "exit hooks";
  }
  return "unknown";
}

shutdown_sequence::shutdown_sequence(boost::asio::io_context& context,
                                     const server_options& options, shutdown_target& target)
    : options_{options},
      target_{target},
      lame_duck_{context.get_executor()},
      idle_grace_{context.get_executor()},
      deadline_{context.get_executor()} {}

void shutdown_sequence::begin(reason why) {
  if (running()) return;
  ++run_;
  begun_ = clock::now();
  result_ = {};
  result_.connections_at_start = target_.open_connections();
  result_.handed_over = why == reason::handed_over;
  if (why == reason::abandon) return run_hooks();
  arm(deadline_, options_.drain_timeout, &shutdown_sequence::at_drain_deadline);
  if (why == reason::handed_over) return stop_accepting();

  stage_ = stage::announcing;
  enter(shutdown_step::announce,
        options_.lame_duck.count() == 0
            ? std::string{"readiness is false"}
            : fmt::format("readiness is false, accepting for {} more", options_.lame_duck));
  target_.begin_leave();
  if (options_.lame_duck.count() == 0) return stop_accepting();
  arm(lame_duck_, options_.lame_duck, &shutdown_sequence::stop_accepting);
}

void shutdown_sequence::force() {
  if (stage_ == stage::finished || stage_ == stage::dropping) return;
  if (!running()) begin(reason::leave);
  if (stage_ == stage::announcing) {
    lame_duck_.cancel();
    stop_accepting();
  }
  if (stage_ == stage::finished) return;
  drop("asked to drop at once");
}

void shutdown_sequence::cancel() {
  if (!running() || stage_ == stage::finished) return;
  ++run_;
  stage_ = stage::none;
  step_open_ = false;
  lame_duck_.cancel();
  idle_grace_.cancel();
  deadline_.cancel();
}

void shutdown_sequence::reconsider() {
  if (stage_ == stage::draining || stage_ == stage::dropping) watch_empty();
}

void shutdown_sequence::stop_accepting() {
  stage_ = stage::stopping;
  enter(shutdown_step::stop_accepting, "");
  target_.stop_accepting([this, run = run_] {
    if (run == run_ && stage_ == stage::stopping) announce();
  });
}

/// The log says "drain" only when every loop knows: from then on each answer carries the close.
void shutdown_sequence::announce() {
  stage_ = stage::draining;
  target_.announce([this, run = run_] {
    if (run == run_ && stage_ == stage::draining) drain();
  });
}

void shutdown_sequence::drain() {
  enter(shutdown_step::drain, fmt::format("{} connections open, {} at most",
                                          target_.open_connections(), options_.drain_timeout));
  arm(idle_grace_, options_.idle_grace, &shutdown_sequence::at_idle_grace);
  watch_empty();
}

void shutdown_sequence::at_idle_grace() {
  if (stage_ == stage::draining) target_.close_when_idle();
}

void shutdown_sequence::at_drain_deadline() {
  drop(fmt::format("the drain deadline of {} has passed", options_.drain_timeout));
}

void shutdown_sequence::drop(std::string_view why) {
  if (stage_ == stage::dropping || stage_ == stage::finished) return;
  const auto open = target_.open_connections();
  stage_ = stage::dropping;
  idle_grace_.cancel();
  lame_duck_.cancel();
  if (open != 0) {
    result_.status = shutdown_status::forced;
    result_.dropped = open;
    enter(shutdown_step::drop, fmt::format("{}: {} connections", why, open));
  }
  target_.drop();
  arm(deadline_, drop_patience, &shutdown_sequence::give_up);
  watch_empty();
}

void shutdown_sequence::give_up() {
  if (target_.open_connections() == 0) return;  // held: the probation has its own end
  log_error(
      fmt::format("{} connections were not let go {} after they were dropped: a service "
                  "keeps their slots; leaving all the same",
                  target_.open_connections(), drop_patience));
  run_hooks();
}

void shutdown_sequence::watch_empty() {
  target_.when_empty([this, run = run_] {
    if (run != run_ || target_.held()) return;
    if (stage_ == stage::draining || stage_ == stage::dropping) run_hooks();
  });
}

void shutdown_sequence::run_hooks() {
  if (stage_ == stage::finished) return;
  stage_ = stage::finished;
  lame_duck_.cancel();
  idle_grace_.cancel();
  deadline_.cancel();
  enter(shutdown_step::hooks, "");
  target_.run_hooks([this](std::size_t failed) { finish(failed); });
}

void shutdown_sequence::finish(std::size_t failed_hooks) {
  result_.failed_hooks = failed_hooks;
  close_step();
  result_.total = since(begun_);
  target_.finished(result_);
}

void shutdown_sequence::enter(shutdown_step step, std::string_view text) {
  close_step();
  step_ = step;
  step_open_ = true;
  step_begun_ = clock::now();
  const auto number = fmt::to_string(static_cast<int>(step) + 1);
  log_info(fmt::format("shutdown step {} of 5, {}{}{}", number, to_string(step),
                       text.empty() ? "" : ": ", text),
           {{"event", "shutdown_step"}, {"step", number}});
}

void shutdown_sequence::close_step() {
  if (!step_open_) return;
  result_.steps[static_cast<std::size_t>(step_)] = since(step_begun_);
  step_open_ = false;
}

void shutdown_sequence::arm(timer& which, milliseconds after, void (shutdown_sequence::*then)()) {
  which.expires_after(after);
  which.async_wait([this, run = run_, then](const error_code& error) {
    if (!error && run == run_) (this->*then)();
  });
}

}  // namespace baton

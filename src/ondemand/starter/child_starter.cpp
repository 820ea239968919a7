#include "ondemand/starter/child_starter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "baton/base/log.hpp"
#include "ondemand/process/duration_text.hpp"
#include "ondemand/starter/connectable.hpp"

namespace baton::ondemand {
namespace {

std::chrono::milliseconds since(std::chrono::steady_clock::time_point then) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               then);
}

}  // namespace

child_starter::child_starter(boost::asio::io_context& context, service_options service,
                             starter_events events, std::vector<passed_descriptor> held)
    : context_{context},
      service_{std::move(service)},
      events_{std::move(events)},
      held_{std::move(held)} {
  target_ = service_.target;
  if (kind().socket) {
    socket_.emplace(*kind().socket, service_.name);
    target_ = connectable(socket_->address());
  }
}

child_starter::~child_starter() = default;

const child_service& child_starter::kind() const { return std::get<child_service>(service_.kind); }

void child_starter::start() {
  up_ = failed_ = false;
  exit_.reset();
  tail_.clear();
  marker_ = make_marker();
  child_options options{.name = service_.name,
                        .what = kind().run,
                        .descriptors = held_,
                        .notify = std::holds_alternative<notify_check>(service_.ready),
                        .marker = marker_};
  if (socket_) {
    const auto& how = *kind().socket;
    options.descriptors.push_back({.fd = socket_->fd(),
                                   .name = how.name.empty() ? service_.name : how.name,
                                   .number = how.number,
                                   .variable = how.variable});
  }
  child_ = std::make_unique<child>(context_);
  child_->start(std::move(options),
                {.on_started = [this] { started(); },
                 .on_not_started = [this](const std::string& why) { fail(why); },
                 .on_exit = [this](const exit_status& status) { ended(status); },
                 .on_notify =
                     [this](const notification& said) {
                       if (readiness_ != nullptr) readiness_->notified(said);
                     }});
}

void child_starter::started() {
  readiness_ = std::make_unique<readiness>(context_);
  readiness_->start(
      {.check = service_.ready, .timeout = service_.start_timeout, .name = service_.name},
      [this](const readiness_outcome& outcome) {
        readiness_.reset();
        if (!outcome.ready()) return fail(outcome.why);
        up_ = true;
        events_.on_ready();
      });
  events_.on_spawned();
}

void child_starter::ended(const exit_status& status) {
  exit_ = status;
  if (report_) return stopped(*std::exchange(report_, std::nullopt));
  const auto background =
      status.success()
          ? "; if it went into the background, keep it in the foreground or describe it by start "
            "and stop commands"
          : "";
  if (readiness_ != nullptr) {
    readiness_.reset();
    return fail(fmt::format("{} before it was ready, {} behind its start{}", status.to_string(),
                            in_words(since(child_->started_at())), background));
  }
  fail(fmt::format("{} after {}{}", status.to_string(), in_words(since(child_->started_at())),
                   up_ ? "" : background));
}

void child_starter::fail(std::string why) {
  if (ending_ != nullptr || std::exchange(failed_, true)) return;
  readiness_.reset();
  events_.on_failed(why);
}

void child_starter::stop() {
  if (ending_ != nullptr) return;
  readiness_.reset();
  auto tree = tree_identity{.marker = marker_};
  if (child_ != nullptr) {
    // One that is still being spawned has no leader yet: the end of the child waits for it, and
    // kills it.
    if (child_->pid() == 0) {
      tail_ = child_->output_tail();
      child_.reset();
    } else {
      tree = child_->identity();
    }
  }
  ending_ = std::make_unique<process_tree>(context_, std::move(tree));
  ending_->stop({.grace = service_.stop_timeout, .signal = kind().stop_signal},
                [this](const tree_report& report) { stopped(report); });
}

void child_starter::hurry() {
  if (ending_ != nullptr) ending_->hurry();
}

void child_starter::stopped(const tree_report& report) {
  // Its end was seen in /proc; how it ended comes from the loop, in a moment.
  if (child_ != nullptr && child_->running() && report.left.empty()) {
    report_ = report;
    return;
  }
  if (child_ != nullptr) tail_ = child_->output_tail();
  child_.reset();
  ending_.reset();
  marker_.clear();
  log_info(fmt::format("{}: {}", service_.name, report.to_string()),
           {{"event", "service_ended"}, {"service", service_.name}});
  std::string left;
  if (!report.left.empty())
    left = fmt::format(
        "{} of its processes do not end even when killed ({}): they stand still in the kernel, "
        "on a dead file system, say",
        report.left.size(), fmt::join(report.left, ", "));
  events_.on_stopped(left);
}

pid_t child_starter::pid() const noexcept { return child_ != nullptr ? child_->pid() : 0; }

std::string child_starter::progress() const {
  if (readiness_ != nullptr) return readiness_->why_not_yet();
  return child_ != nullptr ? child_->status_text() : std::string{};
}

std::string child_starter::output_tail() const {
  return child_ != nullptr ? child_->output_tail() : tail_;
}

}  // namespace baton::ondemand

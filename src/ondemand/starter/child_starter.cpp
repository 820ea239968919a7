#include "ondemand/starter/child_starter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "baton/base/log.hpp"
#include "ondemand/process/duration_text.hpp"
#include "ondemand/starter/connectable.hpp"

namespace baton::ondemand {
namespace {

/// From the end of a process to its parent's news of it, in another generation.
constexpr std::chrono::milliseconds news_time{1000};

std::chrono::milliseconds since(std::chrono::steady_clock::time_point then) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               then);
}

/// The http check of a service that is given its socket asks there.
readiness_check aimed(readiness_check check, const net::address& target) {
  auto* const http = std::get_if<http_check>(&check);
  if (http != nullptr && http->target.kind() == net::address::family::none) http->target = target;
  return check;
}

}  // namespace

child_starter::child_starter(boost::asio::io_context& context, service_options service,
                             starter_events events, std::vector<passed_descriptor> held,
                             starter_setting setting)
    : context_{context},
      service_{std::move(service)},
      events_{std::move(events)},
      held_{std::move(held)},
      tree_{std::move(setting.tree)},
      patience_{context} {
  if (kind().socket) {
    if (setting.socket) {
      socket_.emplace(std::move(setting.socket), service_.name);
    } else {
      socket_.emplace(*kind().socket, service_.name);
    }
  }
  target_ = own_target();
}

net::address child_starter::own_target() const {
  return socket_ ? connectable(socket_->address()) : service_.target;
}

child_starter::~child_starter() = default;

const child_service& child_starter::kind() const { return std::get<child_service>(service_.kind); }

void child_starter::start() {
  up_ = failed_ = adopted_ = false;
  exit_.reset();
  told_.reset();
  tail_.clear();
  target_ = own_target();
  marker_ = make_marker(tree_);
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
  child_->start(std::move(options), events_of_child());
}

child_events child_starter::events_of_child() {
  return {.on_started = [this] { started(); },
          .on_not_started = [this](const std::string& why) { fail(why); },
          .on_exit = [this](const exit_status& status) { exited(status); },
          .on_notify =
              [this](const notification& said) {
                if (readiness_ != nullptr) readiness_->notified(said);
              }};
}

void child_starter::started() {
  began_ = child_->started_at();
  look_for_readiness();
  events_.on_spawned();
}

void child_starter::look_for_readiness() {
  const auto done = [this](const readiness_outcome& outcome) { checked(outcome); };
  if (socket_ && std::holds_alternative<listening_check>(service_.ready)) {
    acceptance_ = std::make_unique<acceptance>(context_);
    acceptance_->start(
        {.socket = socket_->fd(), .target = target_, .timeout = service_.start_timeout}, done);
    return;
  }
  readiness_ = std::make_unique<readiness>(context_);
  readiness_->start({.check = aimed(service_.ready, target_),
                     .timeout = service_.start_timeout,
                     .name = service_.name},
                    done);
}

void child_starter::checked(const readiness_outcome& outcome) {
  static_cast<void>(stop_checking());
  if (!outcome.ready()) return fail(outcome.why);
  up_ = true;
  events_.on_ready();
}

/// True: it was not known to be ready.
bool child_starter::stop_checking() noexcept {
  const bool checked = readiness_ != nullptr || acceptance_ != nullptr;
  readiness_.reset();
  acceptance_.reset();
  return checked;
}

void child_starter::asked() {
  if (acceptance_ != nullptr) acceptance_->asked();
}

bool child_starter::answered() {
  if (acceptance_ == nullptr) return false;
  acceptance_.reset();
  return up_ = true;
}

/// Its parent, if that is another generation and lives, is about to say how.
void child_starter::exited(const exit_status& status) {
  if (lent_) {
    if (!adopted_ || status.known()) tell_borrower(status);
    return;
  }
  if (!adopted_ || status.known() || ending_ != nullptr) return ended(status);
  if (told_) return ended(*told_);
  awaits_news_ = true;
  patience_.expires_after(news_time);
  patience_.async_wait([this, alive = std::weak_ptr{alive_}](error_code /*cancelled*/) {
    if (!alive.expired() && std::exchange(awaits_news_, false))
      ended(told_.value_or(exit_status{}));
  });
}

void child_starter::told_exit(const exit_status& how) {
  if (!adopted_) return;
  told_ = how;
  if (lent_) return tell_borrower(how);
  patience_.cancel();
}

void child_starter::tell_borrower(const exit_status& how) {
  exit_ = how;
  if (events_.on_lent_ended) events_.on_lent_ended(how);
}

void child_starter::ended(const exit_status& status) {
  exit_ = status;
  if (report_) return stopped(*std::exchange(report_, std::nullopt));
  const auto background =
      status.success()
          ? "; if it went into the background, keep it in the foreground or describe it by start "
            "and stop commands"
          : "";
  if (acceptance_ != nullptr && acceptance_->has_accepted()) checked({.end = readiness_end::ready});
  if (stop_checking())
    return fail(fmt::format("{} before it was ready, {} behind its start{}", status.to_string(),
                            in_words(since(began_)), background));
  fail(fmt::format("{} after {}{}", status.to_string(), in_words(since(began_)),
                   up_ ? "" : background));
}

void child_starter::fail(std::string why) {
  if (ending_ != nullptr || std::exchange(failed_, true)) return;
  static_cast<void>(stop_checking());
  events_.on_failed(why);
}

void child_starter::stop() {
  if (ending_ != nullptr) return;
  awaits_news_ = false;
  static_cast<void>(stop_checking());
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

holdings child_starter::lend() {
  lent_ = true;
  holdings made{.target = target_, .output = output_tail()};
  if (child_ != nullptr && child_->running()) made.process = child_->lend();
  // The borrower may need the name of the socket longer than we live.
  if (socket_) socket_->leave_file();
  return made;
}

void child_starter::take_back() {
  if (!std::exchange(lent_, false) || child_ == nullptr) return;
  child_->take_back();
  if (!exit_) return;
  boost::asio::post(context_, [this, alive = std::weak_ptr{alive_}] {
    if (!alive.expired() && exit_) ended(*exit_);
  });
}

void child_starter::lent_is_gone() {
  if (!lent_) return;
  child_.reset();
  marker_.clear();
  exit_.reset();
}

void child_starter::forsake() {
  if (lent_ && child_ != nullptr) static_cast<void>(child_->release());
}

bool child_starter::adopt(holdings what) {
  tail_ = std::move(what.output);
  if (!what.process) return true;
  if (what.process->main == 0) return false;
  up_ = adopted_ = true;
  failed_ = false;
  exit_.reset();
  told_.reset();
  target_ = what.target;
  began_ = what.process->started_at;
  marker_ = what.process->identity.marker;
  child_ = std::make_unique<child>(context_);
  if (child_->adopt(std::move(*what.process), events_of_child())) return true;
  // Somebody may be left of it.
  boost::asio::post(context_, [this, alive = std::weak_ptr{alive_}] {
    if (!alive.expired()) exited(exit_status{});
  });
  return true;
}

void child_starter::sweep() {
  marker_ = tree_;
  stop();
}

void child_starter::turn_away() {
  if (socket_) socket_->turn_away();
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
  if (acceptance_ != nullptr) return acceptance_->why_not_yet();
  return child_ != nullptr ? child_->status_text() : std::string{};
}

std::string child_starter::output_tail() const {
  return child_ != nullptr ? child_->output_tail() : tail_;
}

}  // namespace baton::ondemand

#include "ondemand/life/life.hpp"

#include <algorithm>
#include <utility>

namespace baton::ondemand {

bool life::move(service_event on, time_point now) {
  const auto to = next(state_, on);
  if (!to) return false;
  const auto before = std::exchange(state_, *to);
  since_ = now;
  deadline_.reset();
  probing_ = closed_ = busy_ = on_trial_ = false;
  if (state_ != service_state::draining) by_operator_ = false;
  effects_.changed(before);
  return true;
}

void life::begin_start(time_point now) {
  if (!move(service_event::want, now)) return;
  retry_at_.reset();
  last_byte_.reset();
  wanted_ = false;  // who waits is let through, or refused, by the end of this start
  effects_.begin_start();
}

void life::begin_stop(time_point now, service_event on, bool at_fault) {
  if (!move(on, now)) return;
  at_fault_ = at_fault;
  effects_.begin_stop(at_fault);
}

bool life::pauses(time_point now) const noexcept { return retry_at_ && now < *retry_at_; }

/// One that had been ready may be so again soon; one that could not be started, or has ended again
/// and again, will hardly.
bool life::worth_waiting(time_point now) const noexcept {
  constexpr std::chrono::seconds soon{5};
  return had_come_up_ && failures_ <= 1 && *retry_at_ - now <= soon;
}

admission life::refusal(time_point now) const {
  return {admission::verdict::refused, std::chrono::ceil<milliseconds>(*retry_at_ - now), why_};
}

admission life::request(time_point now) {
  using verdict = admission::verdict;
  switch (state_) {
    case service_state::ready:
      return {verdict::pass, {}, {}};
    case service_state::starting:
      return {on_trial_ ? verdict::pass : verdict::wait, {}, {}};
    case service_state::draining:
      if (!by_operator_) {
        reopen(now);
        return {verdict::pass, {}, {}};
      }
      wanted_ = true;
      return {verdict::wait, {}, {}};
    case service_state::stopping:
      if (at_fault_ && pauses(now) && !worth_waiting(now)) return refusal(now);
      wanted_ = true;
      return {verdict::wait, {}, {}};
    case service_state::failed:
      if (refuses(now)) return refusal(now);
      if (pauses(now)) {
        wanted_ = true;
        look_again(*retry_at_);
        return {verdict::wait, {}, {}};
      }
      [[fallthrough]];
    case service_state::stopped:
      begin_start(now);
      return {verdict::wait, {}, {}};
  }
  return {};
}

bool life::start(time_point now) {
  failures_ = 0;
  retry_at_.reset();
  switch (state_) {
    case service_state::draining:
      if (by_operator_) {
        wanted_ = true;
        return false;
      }
      reopen(now);
      return true;
    case service_state::stopping:
      wanted_ = true;
      return false;
    default:
      begin_start(now);
      return true;
  }
}

void life::stop(time_point now) {
  if (on_trial_) came_up(now);  // what was let in may finish
  switch (state_) {
    case service_state::starting:
      effects_.refuse_waiting("the operator stopped it", {});
      return begin_stop(now, service_event::leave, false);
    case service_state::ready:
      move(service_event::leave, now);
      break;
    case service_state::draining:
      if (by_operator_) return;
      break;
    case service_state::failed:
      move(service_event::leave, now);
      return;
    default:
      wanted_ = false;
      return;
  }
  by_operator_ = true;
  probing_ = false;
  look_again(now + options_.drain_timeout);
  effects_.close_doors();
}

void life::kill(time_point now) {
  if (on_trial_) came_up(now);
  if (state_ == service_state::ready) {
    move(service_event::leave, now);
    by_operator_ = true;
    effects_.close_doors();
  }
  if (state_ == service_state::draining) return begin_stop(now, service_event::emptied, false);
  stop(now);
}

void life::let_in() {
  if (state_ != service_state::starting || std::exchange(on_trial_, true)) return;
  effects_.try_doors();
}

void life::came_up(time_point now) {
  if (!move(service_event::came_up, now)) return;
  why_.clear();
  wait_for_idleness(now);
  effects_.open_doors();
}

/// Before the next start after the failures so far.
milliseconds life::pause() const noexcept {
  auto pause = options_.backoff;
  for (auto i = failures_; i > 1 && pause < options_.backoff_cap; --i) pause *= 2;
  return std::min(pause, options_.backoff_cap);
}

void life::failed(time_point now, std::string why) {
  if (state_ == service_state::stopping || !next(state_, service_event::fail)) return;
  const bool was_starting = state_ == service_state::starting;
  const bool steady = !was_starting && now - since_ >= options_.steady_after;
  failures_ = steady ? 0 : failures_ + 1;
  had_come_up_ = !was_starting;
  why_ = std::move(why);
  retry_at_ = steady ? now : now + pause();
  if (was_starting) {
    wanted_ = false;
    effects_.refuse_waiting(why_, std::chrono::ceil<milliseconds>(*retry_at_ - now));
  }
  if (!was_starting || on_trial_) effects_.close_doors();
  begin_stop(now, service_event::fail, true);
}

void life::ended(time_point now, const std::string& left) {
  if (state_ != service_state::stopping) return;
  const bool bad = at_fault_ || !left.empty();
  if (!left.empty()) {
    why_ = left;
    retry_at_ = now + std::max(pause(), options_.backoff);
  }
  if (move(bad ? service_event::gone_bad : service_event::gone, now)) go_on(now);
}

/// Starts it, at once or when it may be started again, if somebody wants it.
void life::go_on(time_point now) {
  if (!wanted_ && !options_.always) return;
  if (state_ == service_state::failed && pauses(now)) return look_again(*retry_at_);
  begin_start(now);
}

/// Of a service that is ready: the next look at what it does.
void life::wait_for_idleness(time_point from) noexcept {
  if (options_.idle_timeout.count() > 0 && !options_.always)
    look_again(from + options_.idle_timeout);
}

std::optional<time_point> life::idle_at() const noexcept {
  if (state_ != service_state::ready || busy_) return std::nullopt;
  return deadline_;
}

void life::traffic_is(time_point now, const traffic& found) {
  if (state_ != service_state::ready) return;
  if (found.last) last_byte_ = found.last;
  if (found.open > 0) {
    busy_ = true;
    deadline_.reset();
    return effects_.watch_traffic();
  }
  busy_ = false;
  const auto quiet_since = std::max(found.last.value_or(since_), since_);
  wait_for_idleness(quiet_since);
  if (!deadline_ || now < *deadline_) return;
  move(service_event::leave, now);
  effects_.close_doors();
}

void life::emptied(time_point now) {
  if (state_ == service_state::ready) return effects_.ask_traffic();
  if (state_ == service_state::draining && closed_ && by_operator_)
    begin_stop(now, service_event::emptied, false);
}

/// It was about to be stopped for being idle, and is not.
void life::reopen(time_point now) {
  if (!move(service_event::recall, now)) return;
  wait_for_idleness(now);
  effects_.open_doors();
}

void life::doors_closed(time_point now, const traffic& found) {
  if (state_ != service_state::draining || closed_) return;
  closed_ = true;
  if (found.last) last_byte_ = found.last;
  if (by_operator_)
    return found.open > 0 ? effects_.watch_traffic()
                          : begin_stop(now, service_event::emptied, false);
  const bool used = found.open > 0 || (found.last && now - *found.last < options_.idle_timeout);
  if (used) return reopen(now);
  if (!options_.has_probe) return begin_stop(now, service_event::emptied, false);
  probing_ = true;
  effects_.begin_probe();
}

void life::probe_said(time_point now, bool active) {
  if (!std::exchange(probing_, false)) return;
  if (active) return reopen(now);
  begin_stop(now, service_event::emptied, false);
}

void life::on_time(time_point now) {
  if (!deadline_ || now < *deadline_) return;
  deadline_.reset();
  switch (state_) {
    case service_state::ready:
      return effects_.ask_traffic();
    case service_state::draining:
      return begin_stop(now, service_event::emptied, false);
    case service_state::failed:
      if (wanted_ || options_.always) begin_start(now);
      return;
    default:
      return;
  }
}

void life::update(const life_options& options, time_point now) {
  options_ = options;
  if (state_ != service_state::ready || busy_) return;
  deadline_.reset();
  wait_for_idleness(std::max(last_byte_.value_or(since_), since_));
  if (deadline_ && *deadline_ < now) deadline_ = now;
}

void life::queued(time_point now) {
  if (state_ != service_state::failed) return;
  wanted_ = true;
  go_on(now);
}

void life::retire() noexcept {
  options_.always = wanted_ = false;
  if (state_ == service_state::failed) deadline_.reset();
}

life::memory life::remember() const {
  return {state_, since_, last_byte_, why_, failures_, retry_at_, wanted_};
}

void life::recall(const memory& of, time_point now) {
  state_ = of.state;
  since_ = of.since;
  last_byte_ = of.last_byte;
  why_ = of.why;
  failures_ = of.failures;
  retry_at_ = of.retry_at;
  wanted_ = of.wanted;
  at_fault_ = by_operator_ = busy_ = probing_ = closed_ = on_trial_ = false;
  deadline_.reset();
  if (state_ == service_state::draining) state_ = service_state::ready;
  if (state_ == service_state::stopped || state_ == service_state::failed) return go_on(now);
  if (state_ != service_state::ready) return;
  wait_for_idleness(std::max(last_byte_.value_or(since_), since_));
  if (deadline_ && *deadline_ < now) deadline_ = now;
  effects_.open_doors();
}

}  // namespace baton::ondemand

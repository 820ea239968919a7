#include "ondemand/journal/chronicle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "baton/http/request.hpp"

namespace baton::ondemand {
namespace {

using std::chrono::microseconds;

/// What clients send may be of any length; a page shows no more.
constexpr std::size_t longest = 200;

std::string short_text(std::string_view text) { return std::string{text.substr(0, longest)}; }

/// Whose wish it was, of a service that goes.
std::string_view words_of(service_order what) noexcept {
  switch (what) {
    case service_order::start:
      return "the operator wants it";
    case service_order::stop:
      return "the operator wants it to stop";
    case service_order::kill:
      return "the operator wants it to end at once";
    case service_order::restart:
      return "the operator restarts it";
    case service_order::leave:
      return "the gateway leaves";
  }
  return "";
}

/// Whether it asks for a start, possibly behind a stop.
bool wants_start(service_order what) noexcept {
  return what == service_order::start || what == service_order::restart;
}

std::string words_of(const start_record& of) {
  switch (of.cause) {
    case start_cause::request:
      return fmt::format("a request for {}{} from {}", of.host, of.path, of.peer);
    case start_cause::order:
      return "the operator wants it";
    case start_cause::always:
      return "it is to run always";
    case start_cause::unknown:
      return "somebody wants it, by way of another generation of the gateway";
  }
  return "";
}

}  // namespace

std::string_view to_string(service_order what) noexcept {
  switch (what) {
    case service_order::start:
      return "start";
    case service_order::stop:
      return "stop";
    case service_order::kill:
      return "kill";
    case service_order::restart:
      return "restart";
    case service_order::leave:
      return "leave";
  }
  return "unknown";
}

std::optional<service_order> read_order(std::string_view text) noexcept {
  for (const auto each : {service_order::start, service_order::stop, service_order::kill,
                          service_order::restart, service_order::leave})
    if (to_string(each) == text) return each;
  return std::nullopt;
}

std::string_view to_string(start_cause of) noexcept {
  switch (of) {
    case start_cause::request:
      return "request";
    case start_cause::order:
      return "order";
    case start_cause::always:
      return "always";
    case start_cause::unknown:
      return "unknown";
  }
  return "unknown";
}

chronicle::chronicle(std::string service, bool always, events to)
    : service_{std::move(service)}, always_{always}, events_{std::move(to)} {}

void chronicle::knocked(const http::request& asked) {
  if (deaf_.load(std::memory_order_relaxed)) return;
  const auto now = clock::now();
  const std::scoped_lock lock{mutex_};
  if (knock_ || deaf_) return;
  knock_ = knock{now, short_text(asked.host()), short_text(asked.path()), asked.peer().to_string()};
  deaf_ = true;
}

void chronicle::answer_began() noexcept {
  if (!first_answer_.exchange(false)) return;
  {
    const std::scoped_lock lock{mutex_};
    if (starts_.empty()) return;
    starts_.back().first_byte = since_wanted();
  }
  if (events_.on_step) events_.on_step();
}

door_counts& chronicle::new_counts() {
  const std::scoped_lock lock{mutex_};
  return counts_.emplace_back();
}

void chronicle::deserted() {
  const std::scoped_lock lock{mutex_};
  if (state_ == service_state::starting || state_ == service_state::ready) return;
  knock_.reset();
  deaf_ = false;
}

void chronicle::ordered(service_order what) {
  const std::scoped_lock lock{mutex_};
  const bool there = state_ == service_state::starting || state_ == service_state::ready;
  const bool away = state_ == service_state::stopped || state_ == service_state::failed;
  if (there ? what == service_order::start : away && !wants_start(what)) return;  // it is so
  order_ = what;
  ordered_at_ = clock::now();
}

void chronicle::spawned(std::int64_t pid) {
  {
    const std::scoped_lock lock{mutex_};
    if (starts_.empty() || state_ != service_state::starting) return;
    starts_.back().spawned = since_wanted();
    starts_.back().pid = pid;
    first_answer_ = true;
  }
  if (events_.on_step) events_.on_step();
}

microseconds chronicle::since_wanted() const {
  return std::chrono::duration_cast<microseconds>(clock::now() - wanted_at_);
}

/// A start begins.
void chronicle::begin() {
  const auto now = clock::now();
  auto& made = starts_.emplace_back();
  trim();
  made.number = ++counted_.starts;
  wanted_at_ = now;
  if (order_ && wants_start(*order_)) {
    made.cause = start_cause::order;
    wanted_at_ = ordered_at_;
    order_.reset();
  } else if (knock_) {
    made.cause = start_cause::request;
    wanted_at_ = knock_->when;
    made.host = std::move(knock_->host);
    made.path = std::move(knock_->path);
    made.peer = std::move(knock_->peer);
  } else if (always_) {
    made.cause = start_cause::always;
  }
  knock_.reset();
  made.begun = std::chrono::duration_cast<microseconds>(now - wanted_at_);
  made.at = std::chrono::system_clock::now() - *made.begun;
}

std::string chronicle::reason(service_state from, service_state to, const std::string& why) {
  switch (to) {
    case service_state::starting:
      return words_of(starts_.back());
    case service_state::ready:
      return from == service_state::draining ? "a request came before it was stopped" : "";
    case service_state::draining:
      return std::string{order_ ? words_of(*order_) : "nothing was open for its idle time"};
    case service_state::stopping:
      if (order_) return std::string{words_of(*order_)};
      return why.empty() ? "nothing was open for its idle time" : why;
    case service_state::failed:
      return why;
    case service_state::stopped:
      return because_;  // as it was when it began to end
  }
  return "";
}

void chronicle::changed(service_state from, service_state to, const std::string& why,
                        std::int64_t pid) {
  state_change told{.at = std::chrono::system_clock::now(),
                    .service = service_,
                    .from = from,
                    .to = to,
                    .pid = pid};
  {
    const std::scoped_lock lock{mutex_};
    state_ = to;
    if (to == service_state::starting) begin();
    told.why = because_ = reason(from, to, why);
    if (to == service_state::ready) {
      knock_.reset();
      order_.reset();
    }
    if (from == service_state::starting && !starts_.empty()) {
      auto& start = starts_.back();
      if (to == service_state::ready) {
        // One whose readiness is its first answer has given that before anybody heard of it.
        start.ready = start.first_byte.value_or(since_wanted());
        counted_.times.add(*start.ready - start.begun.value_or(microseconds{0}));
      } else {
        start.failure = told.why;
      }
    }
    if (to == service_state::failed) ++counted_.failures;
    const bool over = to == service_state::stopped || to == service_state::failed;
    if (over && order_ && !wants_start(*order_)) order_.reset();
    const bool there = to == service_state::starting || to == service_state::ready;
    deaf_ = there || knock_.has_value();
    const bool answered = !starts_.empty() && starts_.back().first_byte.has_value();
    first_answer_ = to == service_state::ready && from == service_state::starting && !answered;
  }
  if (events_.on_change) events_.on_change(std::move(told));
  if (from == service_state::starting && events_.on_step) events_.on_step();
}

void chronicle::trim() {
  while (starts_.size() > most) starts_.pop_front();
}

std::vector<start_record> chronicle::starts() const {
  const std::scoped_lock lock{mutex_};
  return {starts_.begin(), starts_.end()};
}

std::optional<start_record> chronicle::last_start() const {
  const std::scoped_lock lock{mutex_};
  return starts_.empty() ? std::nullopt : std::optional{starts_.back()};
}

service_state chronicle::state() const {
  const std::scoped_lock lock{mutex_};
  return state_;
}

std::string chronicle::because() const {
  const std::scoped_lock lock{mutex_};
  return because_;
}

std::size_t chronicle::open() const {
  const std::scoped_lock lock{mutex_};
  std::size_t sum = 0;
  for (const auto& each : counts_) sum += each.open.value();
  return sum;
}

std::size_t chronicle::waiting() const {
  const std::scoped_lock lock{mutex_};
  std::size_t sum = 0;
  for (const auto& each : counts_) sum += each.waiting.value();
  return sum;
}

chronicle::totals chronicle::counted() const {
  const std::scoped_lock lock{mutex_};
  return counted_;
}

void chronicle::learn(std::vector<start_record> records, const totals& more) {
  const std::scoped_lock lock{mutex_};
  for (auto& each : records) {
    const auto same = std::find_if(starts_.begin(), starts_.end(), [&](const auto& known) {
      return known.number == each.number && known.at == each.at;
    });
    if (same != starts_.end()) {
      *same = std::move(each);
      continue;
    }
    const auto behind = std::find_if(starts_.begin(), starts_.end(),
                                     [&](const auto& known) { return known.at > each.at; });
    starts_.insert(behind, std::move(each));
  }
  trim();
  counted_.starts += more.starts;
  counted_.failures += more.failures;
  counted_.times += more.times;
}

void chronicle::recall(service_state state) {
  const std::scoped_lock lock{mutex_};
  state_ = state;
  deaf_ = state == service_state::starting || state == service_state::ready;
}

}  // namespace baton::ondemand

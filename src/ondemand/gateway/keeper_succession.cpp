// What a keeper does when its service goes from one generation of the gateway to the next.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "baton/base/log.hpp"
#include "ondemand/gateway/keeper.hpp"

namespace baton::ondemand {

bool keeper::stands_still() const noexcept {
  const auto state = life_.state();
  return state == service_state::stopped || state == service_state::failed ||
         state == service_state::ready;
}

bool keeper::is_child() const noexcept {
  return std::holds_alternative<child_service>(service_.kind);
}

void keeper::recall(life::memory of) {
  if (record_ != nullptr) record_->recall(of.state);
  of.wanted = of.state != service_state::ready && (of.wanted || doors_.waiting() > 0);
  call_life([&](ondemand::life& life, time_point now) { life.recall(of, now); });
}

void keeper::sweep(life::memory of) {
  of.state = service_state::stopping;
  of.since = std::chrono::steady_clock::now();
  of.retry_at.reset();
  recall(of);
  starter_->sweep();
}

bool keeper::take(estate what, doorway& there) {
  const bool runs = what.memory.state == service_state::ready;
  if (runs && what.kind != service_.kind.index()) return false;
  if (!starter_->adopt(std::move(what.works))) return false;
  tenure_ = tenure::ours;
  starts_ = what.starts;
  doors_.add(there);
  log_info(fmt::format("{}: taken over, {}", service_.name, to_string(what.memory.state)),
           {{"event", "service_taken"}, {"service", service_.name}});
  recall(what.memory);
  follow_order();
  try_to_give();
  return true;
}

void keeper::take_nothing(bool orphaned) {
  if (tenure_ != tenure::awaited) return;
  tenure_ = tenure::ours;
  if (orphaned && is_child()) {
    log_notice(fmt::format("{}: the generation that kept it has crashed; what it left is ended",
                           service_.name),
               {{"event", "service_orphaned"}, {"service", service_.name}});
    sweep({});
  } else {
    recall({});
  }
  follow_order();
  try_to_give();
}

void keeper::follow_order() {
  if (const auto what = std::exchange(order_, std::nullopt)) follow(*what);
}

void keeper::give(heir_events to, std::function<void(estate)> then) {
  heir_ = std::move(to);
  give_ = std::move(then);
  try_to_give();
}

void keeper::try_to_give() {
  if (!give_ || tenure_ != tenure::ours || doubted_ || !stands_still()) return;
  doors_.ask(latest(givings_, [this](const traffic& found) { hand_over(found); }));
}

void keeper::hand_over(const traffic& found) {
  if (!give_ || tenure_ != tenure::ours || doubted_ || !stands_still()) return;
  tenure_ = tenure::given;
  given_is_gone_ = false;
  clock_.expires_at(time_point::min());  // cancels
  // What was asked before is nobody's business any more.
  ++closings_;
  ++looks_;
  ++emptyings_;
  given_as_ = life_.remember();
  given_as_.last_byte = std::max(given_as_.last_byte, found.last);
  estate made{.memory = given_as_,
              .starts = starts_,
              .waiting = doors_.waiting(),
              .kind = service_.kind.index(),
              .works = starter_->lend()};
  if (life_.state() != service_state::ready) made.works.target = {};
  std::exchange(give_, nullptr)(std::move(made));
}

void keeper::given_is_gone() {
  given_is_gone_ = true;
  starter_->lent_is_gone();
  if (ended_) ended_();
}

void keeper::take_back(bool ended) {
  if (tenure_ != tenure::given) return;
  tenure_ = tenure::ours;
  heir_ = {};
  log_notice(fmt::format("{}: taken back{}", service_.name,
                         ended ? "; the next generation has ended it" : ""),
             {{"event", "service_taken_back"}, {"service", service_.name}});
  const bool as_given = given_as_.state == service_state::ready && !given_is_gone_ && !ended;
  if (!as_given) doors_.close([](const traffic& /*found*/) {});
  if (ended) given_is_gone();
  starter_->take_back();
  if (ended) return recall({.since = std::chrono::steady_clock::now()});
  // He may have started it since, and have gone without a word.
  if (!as_given && is_child()) return sweep(given_as_);
  recall(given_as_);
}

}  // namespace baton::ondemand

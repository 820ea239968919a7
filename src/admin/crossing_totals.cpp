#include "admin/crossing_totals.hpp"

#include <algorithm>
#include <utility>

namespace baton::admin {

using lineage::phase;

void crossing_totals::inherit(std::string_view text) {
  auto found = totals::parse(text);
  const std::scoped_lock lock{mutex_};
  before_ = found;
  inherited_ = std::move(found);
}

void crossing_totals::add_rest(std::string_view text) {
  const auto found = totals::parse(text);
  const std::scoped_lock lock{mutex_};
  before_ += found;
}

void crossing_totals::prune(const std::function<bool(const std::string& listener)>& keep) {
  const std::scoped_lock lock{mutex_};
  const auto unknown = [&](const auto& each) { return !keep(each.listener); };
  std::erase_if(before_.served.listeners, unknown);
  if (inherited_) std::erase_if(inherited_->served.listeners, unknown);
}

void crossing_totals::enter(phase now_in, clock::time_point now) {
  const std::scoped_lock lock{mutex_};
  phase_ = now_in;
  if (now_in == phase::serving && !serving_since_) serving_since_ = now;
  // Either the next generation is none, or there will be none.
  if (now_in == phase::serving || now_in == phase::announcing) handed_.reset();
}

std::string crossing_totals::hand_over() {
  const std::scoped_lock lock{mutex_};
  auto now = all();
  auto text = now.text();
  if (phase_ == phase::upgrading) handed_ = std::move(now);
  return text;
}

std::string crossing_totals::rest() const {
  const std::scoped_lock lock{mutex_};
  if (!handed_) return totals{}.text();
  auto since = all();
  since -= *handed_;
  return since.text();
}

totals crossing_totals::told(clock::time_point now,
                             const std::function<void(const totals& own)>& look) const {
  const std::scoped_lock lock{mutex_};
  auto sum = count_();
  if (look) look(sum);
  if (handed_) return *handed_;
  if (inherited_ && (!serving_since_ || now < *serving_since_ + hold)) return *inherited_;
  sum += before_;
  return sum;
}

bool crossing_totals::handed_over() const {
  const std::scoped_lock lock{mutex_};
  return handed_ && (phase_ == phase::draining || phase_ == phase::stopped);
}

totals crossing_totals::all() const {
  auto sum = count_();
  sum += before_;
  return sum;
}

}  // namespace baton::admin

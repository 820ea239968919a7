#include "baton/base/log_subscription.hpp"

#include <utility>

#include "base/log_subscribers.hpp"

namespace baton {
namespace {

thread_local bool telling = false;

}  // namespace

log_subscribers& log_subscribers::get() {
  // Never destroyed: a line may be logged while other static objects go away.
  static auto* const all = new log_subscribers;
  return *all;
}

void log_subscribers::enter(std::shared_ptr<log_subscription::subscriber> one) {
  const std::scoped_lock lock{mutex_};
  all_.push_back(std::move(one));
  any_ = true;
}

void log_subscribers::leave(log_subscription::subscriber& one) {
  {
    const std::scoped_lock lock{mutex_};
    std::erase_if(all_, [&](const auto& each) { return each.get() == &one; });
    any_ = !all_.empty();
  }
  const std::scoped_lock lock{one.calling};
  one.over = true;
}

void log_subscribers::tell(const log_record& record) {
  if (!any_.load(std::memory_order_relaxed) || telling) return;
  list now;
  {
    const std::scoped_lock lock{mutex_};
    now = all_;
  }
  telling = true;
  for (const auto& each : now) {
    const std::scoped_lock lock{each->calling};
    if (!each->over) each->call(record);
  }
  telling = false;
}

log_subscription::log_subscription(std::shared_ptr<subscriber> of) noexcept : of_{std::move(of)} {}

log_subscription& log_subscription::operator=(log_subscription&& other) noexcept {
  const log_subscription old{std::move(*this)};
  of_ = std::move(other.of_);
  return *this;
}

log_subscription::~log_subscription() {
  if (of_ != nullptr) log_subscribers::get().leave(*of_);
}

log_subscription subscribe_logs(log_callback callback) {
  auto made = std::make_shared<log_subscription::subscriber>(std::move(callback));
  log_subscribers::get().enter(made);
  return log_subscription{std::move(made)};
}

}  // namespace baton

#include "baton/net/gate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

#include "baton/base/error.hpp"
#include "baton/base/log.hpp"

// How no wake-up is lost. A waiter writes `listeners_`, then reads `in_use_`; a releaser writes
// `in_use_`, then reads `listeners_`, all sequentially consistent: at least one of the two sees the
// other. A waiter stands at exactly one gate, one that was full when it lined up. Whoever was woken
// and has no use for it passes it on: by giving back the slot, by `forget`, or by lining up
// elsewhere (`settle`).
namespace baton::net {

gate::gate(std::string name, std::size_t capacity, gate* parent)
    : name_{std::move(name)}, parent_{parent}, capacity_{capacity} {
  if (capacity == 0) {
    throw setup_error{fmt::format(
        "the connection cap of {} is 0, so nobody would ever be served: set it to at least 1",
        name_)};
  }
}

gate::~gate() {
  const auto left = in_use();
  if (left != 0) {
    log_error(fmt::format(
        "the gate of {} dies while {} of its slots are out: destroy the connections first", name_,
        left));
  }
  assert(left == 0 && "a gate is empty when it dies");
}

bool gate::full() const noexcept { return in_use_.load() >= capacity_.load(); }

gate& gate::root() noexcept {
  auto* outermost = this;
  while (outermost->parent_ != nullptr) outermost = outermost->parent_;
  return *outermost;
}

bool gate::take() noexcept {
  auto used = in_use_.load(std::memory_order_relaxed);
  do {
    if (used >= capacity_.load(std::memory_order_relaxed)) return false;
  } while (!in_use_.compare_exchange_weak(used, used + 1));
  return true;
}

slot gate::try_acquire() noexcept {
  if (!take()) return {};
  if (parent_ != nullptr && !parent_->take()) {
    in_use_.fetch_sub(1);
    if (listeners_.load() != 0) after_release(false);
    return {};
  }
  return slot{this};
}

void gate::give_back(bool connection_ended) noexcept {
  auto* const parent = parent_;
  in_use_.fetch_sub(1);
  if (parent != nullptr) parent->in_use_.fetch_sub(1);
  if (listeners_.load() != 0) after_release(connection_ended);
  if (parent != nullptr && parent->listeners_.load() != 0) parent->after_release(connection_ended);
}

void gate::after_release(bool connection_ended) noexcept {
  std::vector<std::function<void()>> empty;
  {
    const std::scoped_lock lock{mutex_};
    if (!full()) wake_first(waiters_);
    if (connection_ended) wake_first(release_waiters_);
    if (!on_empty_.empty() && in_use_.load() == 0) {
      listeners_.fetch_sub(on_empty_.size());
      empty.swap(on_empty_);
    }
  }
  for (auto& callback : empty) callback();
}

// The lock is held while `wake` runs: so after `forget` it cannot run any more.
void gate::wake_first(waiters& list) noexcept {
  if (list.empty()) return;
  waiters woken;
  woken.splice(woken.begin(), list, list.begin());
  listeners_.fetch_sub(1);
  woken.front().wake();
}

bool gate::enlist(const void* owner, std::function<void()>& wake) {
  const std::scoped_lock lock{mutex_};
  waiters_.push_back({owner, {}});
  listeners_.fetch_add(1);
  if (!full()) {
    waiters_.pop_back();
    listeners_.fetch_sub(1);
    return false;
  }
  waiters_.back().wake = std::move(wake);
  return true;
}

void gate::wait(const void* owner, std::function<void()> wake) {
  auto* level = this;
  while (level != nullptr && !level->enlist(owner, wake)) level = level->parent_;
  if (level == nullptr) return wake();
  settle();
}

void gate::settle() noexcept {
  for (auto* level = this; level != nullptr; level = level->parent_) {
    if (level->listeners_.load() == 0) continue;
    const std::scoped_lock lock{level->mutex_};
    if (!level->full()) level->wake_first(level->waiters_);
  }
}

void gate::wait_release(const void* owner, std::function<void()> wake) {
  auto& outermost = root();
  const std::scoped_lock lock{outermost.mutex_};
  outermost.release_waiters_.push_back({owner, std::move(wake)});
  outermost.listeners_.fetch_add(1);
}

void gate::pass_release_on() noexcept {
  auto& outermost = root();
  const std::scoped_lock lock{outermost.mutex_};
  outermost.wake_first(outermost.release_waiters_);
}

void gate::forget(const void* owner) noexcept {
  for (auto* level = this; level != nullptr; level = level->parent_) {
    const std::scoped_lock lock{level->mutex_};
    for (auto* list : {&level->waiters_, &level->release_waiters_}) {
      const auto gone =
          list->remove_if([owner](const waiter& each) { return each.owner == owner; });
      level->listeners_.fetch_sub(gone);
    }
  }
  settle();
}

void gate::when_empty(std::function<void()> callback) {
  {
    const std::scoped_lock lock{mutex_};
    listeners_.fetch_add(1);
    if (in_use_.load() != 0) {
      on_empty_.push_back(std::move(callback));
      return;
    }
    listeners_.fetch_sub(1);
  }
  callback();
}

void gate::set_capacity(std::size_t capacity) {
  if (capacity == 0) {
    throw setup_error{
        fmt::format("the connection cap of {} cannot become 0: set at least 1", name_)};
  }
  capacity_.store(capacity);
  const std::scoped_lock lock{mutex_};
  const auto used = in_use_.load();
  for (auto room = capacity > used ? capacity - used : 0; room != 0 && !waiters_.empty(); --room) {
    wake_first(waiters_);
  }
}

std::size_t gate::capacity() const noexcept { return capacity_.load(); }

std::size_t gate::in_use() const noexcept { return in_use_.load(); }

std::size_t gate::waiting() const noexcept {
  const std::scoped_lock lock{mutex_};
  return waiters_.size();
}

slot::slot(slot&& other) noexcept : gate_{std::exchange(other.gate_, nullptr)} {}

slot& slot::operator=(slot&& other) noexcept {
  if (this != &other) {
    release();
    gate_ = std::exchange(other.gate_, nullptr);
  }
  return *this;
}

void slot::release() noexcept {
  if (gate_ != nullptr) std::exchange(gate_, nullptr)->give_back(true);
}

void slot::put_back() noexcept {
  if (gate_ != nullptr) std::exchange(gate_, nullptr)->give_back(false);
}

}  // namespace baton::net

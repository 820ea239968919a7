#include "baton/net/registry.hpp"

#include <cassert>

namespace baton::net {

/// A running visit: what it sees next. Leaving moves it on, so it never points at a gone item.
struct registry::anchor {
  explicit anchor(registry& of) noexcept : owner{of}, next{of.first_}, outer{of.visits_} {
    owner.visits_ = this;
  }
  ~anchor() { owner.visits_ = outer; }
  anchor(const anchor&) = delete;
  anchor& operator=(const anchor&) = delete;

  registry& owner;
  drainable* next;
  anchor* outer;
};

drainable::~drainable() {
  assert(previous_ == nullptr && "a drainable leaves its registry before it dies");
}

registry::registry() noexcept = default;

registry::~registry() { assert(first_ == nullptr && "a registry is empty when it dies"); }

// New items go to the front, behind every running visit.
void registry::enter(drainable& item) noexcept {
  assert(item.previous_ == nullptr && "entered twice");
  item.next_ = first_;
  item.previous_ = &item;
  if (first_ != nullptr) first_->previous_ = &item;
  first_ = &item;
  ++size_;
}

void registry::leave(drainable& item) noexcept {
  if (item.previous_ == nullptr) return;
  for (auto* visit = visits_; visit != nullptr; visit = visit->outer) {
    if (visit->next == &item) visit->next = item.next_;
  }
  if (first_ == &item) {
    first_ = item.next_;
    if (first_ != nullptr) first_->previous_ = first_;
  } else {
    item.previous_->next_ = item.next_;
    if (item.next_ != nullptr) item.next_->previous_ = item.previous_;
  }
  item.next_ = nullptr;
  item.previous_ = nullptr;
  --size_;
}

template <class Verb>
void registry::visit(Verb verb) {
  anchor place{*this};
  while (place.next != nullptr) {
    auto& item = *place.next;
    place.next = item.next_;
    verb(item);
  }
}

void registry::announce() {
  visit([](drainable& item) { item.announce(); });
}

void registry::close_when_idle() {
  visit([](drainable& item) { item.close_when_idle(); });
}

void registry::drop(error_code reason) {
  visit([reason](drainable& item) { item.drop(reason); });
}

}  // namespace baton::net

#include "baton/net/registry.hpp"

#include <cassert>

namespace baton::net {

registry::tour::tour(registry& of) noexcept : of_{of}, at_{of.first_}, behind_{of.tours_} {
  if (behind_ != nullptr) behind_->before_ = this;
  of_.tours_ = this;
}

registry::tour::~tour() {
  if (behind_ != nullptr) behind_->before_ = before_;
  (before_ != nullptr ? before_->behind_ : of_.tours_) = behind_;
}

drainable* registry::tour::next() noexcept {
  auto* const found = at_;
  if (found != nullptr) at_ = found->next_;
  return found;
}

drainable::~drainable() {
  assert(previous_ == nullptr && "a drainable leaves its registry before it dies");
}

registry::registry() noexcept = default;

registry::~registry() { assert(first_ == nullptr && "a registry is empty when it dies"); }

// New items go to the front, behind every tour.
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
  // No tour points at what is gone.
  for (auto* each = tours_; each != nullptr; each = each->behind_)
    if (each->at_ == &item) each->at_ = item.next_;
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

void registry::announce() {
  tour all{*this};
  while (auto* item = all.next()) item->announce();
}

void registry::close_when_idle() {
  tour all{*this};
  while (auto* item = all.next()) item->close_when_idle();
}

void registry::drop(error_code reason) {
  tour all{*this};
  while (auto* item = all.next()) item->drop(reason);
}

}  // namespace baton::net

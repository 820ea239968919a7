#include "http/ledger.hpp"

#include <utility>

namespace baton::http {

listener_tally& ledger::of(const net::listener* from) {
  if (const auto found = of_listener_.find(from); found != of_listener_.end())
    return *found->second;
  auto made = std::make_unique<listener_tally>();
  const std::scoped_lock lock{adding_};
  // The listener may go first: its name is copied.
  auto& tally = tallies_[from != nullptr ? from->name() : std::string{}];
  if (tally == nullptr) tally = std::move(made);
  of_listener_.emplace(from, tally.get());
  return *tally;
}

void ledger::add_to(statistics& sum) const {
  if (!counts_) return;
  const std::scoped_lock lock{adding_};
  for (const auto& [name, tally] : tallies_) tally->add_to(sum.of(name));
}

/// An answer that is not streamed has ended when it was given.
void ledger::tell(const exchange& of, bool complete) const noexcept {
  const auto& account = of.account;
  const bool at_once = complete && !account.streamed;
  watcher_->on_served({.asked = of.request,
                       .status = account.status,
                       .complete = complete,
                       .body_bytes = account.body_bytes,
                       .began = account.began,
                       .answered = account.answered,
                       .ended = at_once ? account.answered : clock::now()});
}

}  // namespace baton::http

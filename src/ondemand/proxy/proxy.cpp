#include "ondemand/proxy/proxy.hpp"

#include <utility>

namespace baton::ondemand {
namespace {

constexpr std::size_t most_spare = 256;

}  // namespace

proxy::~proxy() = default;

void proxy::forward(forward_order order) {
  // Here and not in `over`, which the exchange itself calls.
  if (spare_.size() > most_spare) spare_.resize(most_spare);
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(places_.size()));
    places_.emplace_back();
  }
  const auto index = free_.back();
  free_.pop_back();
  auto& at = places_[index];
  if (spare_.empty()) {
    at.exchange = std::make_unique<proxied_exchange>(*this, loop_);
  } else {
    at.exchange = std::move(spare_.back());
    spare_.pop_back();
  }
  ++under_way_;
  at.exchange->begin({index, at.serial}, std::move(order));
}

proxied_exchange* proxy::find(exchange_ticket of) const noexcept {
  const auto& at = places_[of.index];
  return at.serial == of.serial ? at.exchange.get() : nullptr;
}

void proxy::over(exchange_ticket of) noexcept {
  auto& at = places_[of.index];
  ++at.serial;
  spare_.push_back(std::move(at.exchange));
  free_.push_back(of.index);
  --under_way_;
}

}  // namespace baton::ondemand

#include "grpc/bridge/health_states.hpp"

namespace baton::grpc {

void health_states::set_serving(std::string_view name, bool serving) {
  const std::scoped_lock lock{mutex_};
  const auto each = serving_.insert_or_assign(std::string{name}, serving).first;
  tell(each->first, serving);
}

void health_states::set_draining(bool draining) {
  const std::scoped_lock lock{mutex_};
  draining_ = draining;
  for (const auto& [name, serving] : serving_) tell(name, serving);
}

void health_states::tell(const std::string& name, bool serving) {
  if (service_ != nullptr) service_->SetServingStatus(name, serving && !draining_);
}

}  // namespace baton::grpc

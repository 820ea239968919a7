#include "grpc/bridge/carrier.hpp"

#include <boost/asio/post.hpp>
#include <utility>

#include "grpc/bridge/grpc_thread.hpp"
#include "grpc/bridge/translation.hpp"

namespace baton::grpc {

carrier::carrier(std::shared_ptr<passage> way, std::shared_ptr<call> served) noexcept
    : way_{std::move(way)}, call_{std::move(served)} {}

void carrier::ended(const status& /*why*/) {
  if (let_go() == nullptr) return;
  {
    const std::scoped_lock lock{mutex_};
    if (!context_) return;
    context_->TryCancel();
  }
  release();
}

void carrier::finish(const status& how, const metadata& trailing) {
  if (const auto over = let_go()) over->finish(how, trailing);
}

std::shared_ptr<call> carrier::let_go() {
  const std::scoped_lock lock{mutex_};
  return std::exchange(call_, nullptr);
}

::grpc::GenericStub* carrier::enter() {
  auto* stub = way_->enter();
  if (stub == nullptr) {
    finish({status_code::unavailable, "the server leaves"}, {});
    return nullptr;
  }
  const std::scoped_lock lock{mutex_};
  self_ = shared_from_this();
  translation::fill(context_.emplace(), call_->head());
  return stub;
}

void carrier::leave(const ::grpc::Status& how) {
  std::shared_ptr<carrier> self;
  {
    const std::scoped_lock lock{mutex_};
    self = std::move(self_);
    if (call_ != nullptr)
      outcome_.emplace(outcome{translation::to_status(how),
                               translation::to_metadata(context_->GetServerTrailingMetadata())});
    context_.reset();
    wake();
  }
  way_->leave();
}

void carrier::wake() {
  if (woken_ || call_ == nullptr) return;
  woken_ = true;
  // What grpc++ does at once it tells within our call.
  if (!call_->context().get_executor().running_in_this_thread()) give_way_to_loops();
  // While the call has not ended there is its loop.
  boost::asio::post(call_->context(), [self = shared_from_this()] {
    {
      const std::scoped_lock lock{self->mutex_};
      self->woken_ = false;
      if (self->call_ == nullptr) return;
    }
    self->work();
  });
}

}  // namespace baton::grpc

#include "grpc/bridge/stream_carrier.hpp"

#include <mutex>
#include <utility>

#include "grpc/bridge/translation.hpp"

namespace baton::grpc {

void stream_carrier::start() {
  const auto call = served();
  if (call == nullptr) return;
  auto* stub = enter();
  if (stub == nullptr) return;
  stub->PrepareBidiStreamingCall(&context(), call->head().path, {}, this);
  AddHold();
  StartRead(&answer_);
  StartCall();
  call->receive();
}

void stream_carrier::received(std::string_view message) {
  operate([&] {
    request_ = translation::to_buffer(message);
    StartWrite(&request_);
  });
}

void stream_carrier::half_closed() {
  operate([this] { StartWritesDone(); });
}

void stream_carrier::sent() {
  operate([this] {
    piece_ = {};
    answer_.Clear();
    StartRead(&answer_);
  });
}

template <class Operation>
void stream_carrier::operate(Operation operation) {
  {
    const std::scoped_lock lock{mutex()};
    if (over_) return;
    ++operations_;
  }
  // Without the mutex: handlers of callback services may run within.
  operation();
  {
    const std::scoped_lock lock{mutex()};
    if (--operations_ > 0 || !over_) return;
  }
  RemoveHold();
}

void stream_carrier::release() {
  {
    const std::scoped_lock lock{mutex()};
    if (std::exchange(over_, true) || operations_ > 0) return;
  }
  RemoveHold();
}

void stream_carrier::OnReadInitialMetadataDone(bool ok) {
  const std::scoped_lock lock{mutex()};
  header_ = ok ? header::here : header::none;
  if (ok) initial_ = translation::to_metadata(context().GetServerInitialMetadata());
  wake();
}

void stream_carrier::OnReadDone(bool ok) {
  if (!ok) return release();
  const std::scoped_lock lock{mutex()};
  answered_ = true;
  wake();
}

void stream_carrier::OnWriteDone(bool ok) {
  if (!ok) return;
  const std::scoped_lock lock{mutex()};
  taken_ = true;
  wake();
}

void stream_carrier::OnDone(const ::grpc::Status& how) { leave(how); }

void stream_carrier::work() {
  const auto call = served();
  std::unique_lock lock{mutex()};
  // The header may be told of on a later thread than what follows it.
  const bool answers = header_ != header::awaited && std::exchange(answered_, false);
  const bool takes = std::exchange(taken_, false);
  const bool ends = left().has_value();
  // An empty header goes with what follows it.
  const bool begins = header_ == header::here && !(initial_.empty() && (answers || ends));
  if (header_ == header::here) header_ = header::passed_on;
  lock.unlock();

  if (begins) call->begin(initial_);
  if (answers) {
    piece_ = translation::to_slice(answer_);
    call->send(translation::view(piece_));
  }
  if (ends)
    finish(left()->how, left()->trailing);
  else if (takes)
    call->receive();
}

}  // namespace baton::grpc

#include "grpc/bridge/unary_carrier.hpp"

#include "grpc/bridge/translation.hpp"

namespace baton::grpc {

void unary_carrier::start() {
  if (const auto call = served()) call->receive();
}

void unary_carrier::received(std::string_view message) {
  if (started_ || served() == nullptr) return;
  started_ = true;
  request_ = translation::to_buffer(message);
  auto* stub = enter();
  if (stub == nullptr) return;
  stub->UnaryCall(&context(), served()->head().path, {}, &request_, &answer_,
                  [this](const ::grpc::Status& how) {
                    initial_ = translation::to_metadata(context().GetServerInitialMetadata());
                    leave(how);
                  });
}

void unary_carrier::half_closed() {
  // What a server of grpc++ says.
  if (!started_) finish({status_code::internal, "No payload"}, {});
}

/// Only woken by `leave`: nobody changes the outcome any more.
void unary_carrier::work() {
  const auto call = served();
  const auto& [how, trailing] = *left();
  if (!initial_.empty()) call->begin(initial_);
  if (how.ok() && !answer_.Valid())
    return finish({status_code::internal, "the handler gave no message"}, trailing);
  if (how.ok()) {
    const auto message = translation::to_slice(answer_);
    call->send(translation::view(message));
  }
  finish(how, trailing);
}

}  // namespace baton::grpc

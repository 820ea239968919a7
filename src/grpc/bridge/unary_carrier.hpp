#pragma once

#include <grpcpp/support/byte_buffer.h>

#include <string_view>

#include "grpc/bridge/carrier.hpp"

namespace baton::grpc {

/// A call of one message each way: one batch of operations for grpc++, a third of a stream's cost.
/// As in grpc++'s own server the handler runs when the first message is there; what the client may
/// send behind it is not looked at.
class unary_carrier final : public carrier {
 public:
  using carrier::carrier;

  void start() override;
  void received(std::string_view message) override;
  void half_closed() override;
  void sent() override {}

 private:
  void work() override;
  void release() override {}

  ::grpc::ByteBuffer request_;
  ::grpc::ByteBuffer answer_;
  metadata initial_;
  bool started_ = false;
};

}  // namespace baton::grpc

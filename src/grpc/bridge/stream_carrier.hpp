#pragma once

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/client_callback.h>
#include <grpcpp/support/slice.h>
#include <grpcpp/support/status.h>

#include <string_view>

#include "grpc/bridge/carrier.hpp"

namespace baton::grpc {

/// A call of any number of messages each way.
///
/// Invariants: one message is on its way into grpc++, and one out of it: the client is asked for
/// the next when the handler took the one before, the handler goes on when the client was sent its.
class stream_carrier final
    : public carrier,
      private ::grpc::ClientBidiReactor<::grpc::ByteBuffer, ::grpc::ByteBuffer> {
 public:
  using carrier::carrier;

  void start() override;
  void received(std::string_view message) override;
  void half_closed() override;
  void sent() override;

 private:
  enum class header : unsigned char { awaited, here, none, passed_on };

  void work() override;
  /// From now on there are no more operations: without the hold grpc++ comes to its end.
  void release() override;

  void OnReadInitialMetadataDone(bool ok) override;
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const ::grpc::Status& how) override;

  /// Does an operation, unless grpc++ is over with the call.
  template <class Operation>
  void operate(Operation operation);

  ::grpc::ByteBuffer request_;
  ::grpc::ByteBuffer answer_;
  ::grpc::Slice piece_;  // of answer_, while it is sent

  // Under the mutex.
  metadata initial_;
  header header_ = header::awaited;
  bool answered_ = false;  // a message is in answer_
  bool taken_ = false;     // grpc++ took request_
  bool over_ = false;      // no operations any more
  int operations_ = 0;     // under way
};

}  // namespace baton::grpc

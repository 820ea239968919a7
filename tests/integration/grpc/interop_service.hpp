#pragma once

#include <grpcpp/impl/service_type.h>
#include <grpcpp/server_context.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "interop.grpc.pb.h"

/// grpc.testing.TestService as generated code serves it.
namespace interop {

struct features {
  /// Whether a handler can learn if a message came compressed: from grpc++'s own transport it can.
  bool sees_compression = false;
};

/// One thread of grpc++'s for each call.
std::unique_ptr<::grpc::Service> make_sync_service(features has);
/// Reactors.
std::unique_ptr<::grpc::Service> make_callback_service(features has);

// What both do.

void echo_metadata(::grpc::ServerContextBase& call);
void fill(::grpc::testing::Payload& made, std::int32_t size);
/// What is wrong with a size, or with a message that did not come compressed as it should have.
std::optional<::grpc::Status> refusal(features has, const ::grpc::ServerContextBase& call,
                                      const ::grpc::testing::SimpleRequest& asked);
::grpc::Status answer(::grpc::ServerContextBase& call, const ::grpc::testing::SimpleRequest& asked,
                      ::grpc::testing::SimpleResponse& answer);
std::optional<::grpc::Status> refusal(const ::grpc::testing::StreamingOutputCallRequest& asked);
::grpc::Status to_status(const ::grpc::testing::EchoStatus& wanted);

}  // namespace interop

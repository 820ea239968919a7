#pragma once

#include <grpcpp/impl/service_type.h>
#include <grpcpp/server_context.h>

#include <functional>
#include <memory>

#include "probe.grpc.pb.h"

/// baton.testing.Probe: generated code, with reactors.
namespace probe {

/// Fills in what `call` tells of its client, by whatever means the server has.
using identify = std::function<void(const ::grpc::CallbackServerContext& call,
                                    ::baton::testing::Answer& answer)>;

std::unique_ptr<::grpc::Service> make_service(identify who);

}  // namespace probe

#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/server_context.h>

#include <cstdint>

// gRPC tells only its own interoperability tests how a message came: by friends of these names.
std::uint32_t grpc_call_test_only_get_message_flags(grpc_call* call);

namespace grpc::testing {

inline constexpr std::uint32_t was_compressed_flag = 0x40000000U;

struct InteropServerContextInspector {
  static bool was_compressed(const ServerContextBase& of) {
    return (grpc_call_test_only_get_message_flags(of.call_.call) & was_compressed_flag) != 0;
  }
};

struct InteropClientContextInspector {
  static bool was_compressed(const ClientContext& of) {
    return (grpc_call_test_only_get_message_flags(of.call_) & was_compressed_flag) != 0;
  }
};

}  // namespace grpc::testing

#pragma once

#include <grpcpp/server_context.h>

#include <string>

namespace baton::grpc {

/// Who calls, for the handlers of generated services. grpc++ serves them in the same process, so
/// that its own `peer()` and `auth_context()` cannot tell.
///
///   auto who = baton::grpc::caller::of(*context);   // a ServerContext or a CallbackServerContext
struct caller {
  std::string peer;         ///< "ipv4:127.0.0.1:4711", "unix:/run/x.sock"
  std::string subject;      ///< of the client's certificate, RFC 2253; empty without one
  std::string fingerprint;  ///< of the same, SHA-256 in lowercase hex; empty without one

  /// While the handler runs; any thread. All is empty if the call did not come through baton.
  [[nodiscard]] static caller of(const ::grpc::ServerContextBase& context);
};

}  // namespace baton::grpc

#pragma once

#include <grpcpp/impl/service_type.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "grpc/bridge/health_states.hpp"
#include "grpc/bridge/in_process_server.hpp"
#include "grpc/bridge/passage.hpp"
#include "grpc/call.hpp"

namespace baton::grpc {

struct bridge_options {
  bool health = true;      ///< answer grpc.health.v1.Health
  bool reflection = true;  ///< answer grpc.reflection.v1alpha.ServerReflection
  /// How long the end waits for handlers that do not return.
  std::chrono::milliseconds patience = std::chrono::seconds{5};
};

/// Carries calls into a server of grpc++ in the same process: its services, sync and callback,
/// serve them as if they came from a socket of its own.
///
/// Invariants: a call's loop is never blocked by a handler of a sync service, and never touched
/// after the call has ended; what a handler does not read is not asked of the client.
class bridge {
 public:
  /// The services must outlive it. Throws `setup_error` when they cannot be served together.
  bridge(const std::vector<::grpc::Service*>& services, const bridge_options& options);
  bridge(const bridge&) = delete;
  bridge& operator=(const bridge&) = delete;
  /// Cancels what is open. Handlers that do not return within the patience are logged, and their
  /// server is left to the end of the process.
  ~bridge();

  /// On the thread of the call's loop; several threads at once.
  void serve(std::shared_ptr<call> of);

  /// What grpc.health.v1 says of a service; "": of the whole server. Any thread.
  void set_serving(std::string_view service, bool serving);
  /// While it drains nothing is said to serve. Any thread.
  void set_draining(bool draining);

  /// How many calls grpc++ has. Any thread.
  [[nodiscard]] std::size_t open_calls() const { return passage_->open(); }

 private:
  std::chrono::milliseconds patience_;
  std::unique_ptr<in_process_server> server_;
  std::shared_ptr<passage> passage_;
  health_states health_;
};

}  // namespace baton::grpc

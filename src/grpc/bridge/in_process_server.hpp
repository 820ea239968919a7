#pragma once

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server.h>

#include <memory>
#include <string>
#include <vector>

namespace baton::grpc {

struct in_process_options {
  bool health = true;
  bool reflection = true;
};

/// A server of grpc++ without a socket. Its end cancels the calls that are open, and waits for
/// their handlers.
class in_process_server {
 public:
  /// Throws `setup_error` when the services cannot be served together.
  in_process_server(const std::vector<::grpc::Service*>& services,
                    const in_process_options& options);
  in_process_server(const in_process_server&) = delete;
  in_process_server& operator=(const in_process_server&) = delete;
  ~in_process_server();

  [[nodiscard]] std::shared_ptr<::grpc::Channel> channel();
  /// Of all services, health and reflection too.
  [[nodiscard]] const std::vector<std::string>& service_names() const noexcept { return names_; }
  /// Null if health is not answered.
  [[nodiscard]] ::grpc::HealthCheckServiceInterface* health() const noexcept {
    return server_->GetHealthCheckService();
  }

 private:
  /// Answers for what no service has.
  class unknown_methods final : public ::grpc::CallbackGenericService {
   public:
    ::grpc::ServerGenericBidiReactor* CreateReactor(
        ::grpc::GenericCallbackServerContext* context) override;
  };

  std::vector<std::string> names_;
  unknown_methods unknown_;
  std::unique_ptr<::grpc::Server> server_;
};

}  // namespace baton::grpc

#pragma once

#include <grpcpp/health_check_service_interface.h>

#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace baton::grpc {

/// What grpc.health.v1 says of each service, and while the process drains: that none serves.
/// Any thread.
class health_states {
 public:
  /// `service`: of grpc++; null where health is not answered.
  explicit health_states(::grpc::HealthCheckServiceInterface* service) noexcept
      : service_{service} {}

  void set_serving(std::string_view name, bool serving);
  void set_draining(bool draining);

 private:
  void tell(const std::string& name, bool serving);

  ::grpc::HealthCheckServiceInterface* service_;
  std::mutex mutex_;
  std::map<std::string, bool, std::less<>> serving_{{"", true}};
  bool draining_ = false;
};

}  // namespace baton::grpc

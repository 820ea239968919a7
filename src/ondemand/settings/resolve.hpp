#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/extension.hpp"
#include "config/reader.hpp"
#include "ondemand/settings/settings.hpp"

namespace baton::ondemand {

/// Makes options of what one service's keys say; the reader is told what makes no sense together.
class resolver {
 public:
  resolver(const gateway_settings& gateway, const std::vector<std::string>& listeners,
           config::reader& from)
      : gateway_{gateway}, listeners_{listeners}, from_{from} {}

  void resolve(service_settings& service);

 private:
  /// A key of the service at hand.
  [[nodiscard]] std::string key(std::string_view name) const;
  void complain(std::string_view name, std::string sentence);

  [[nodiscard]] program program_of(const std::vector<std::string>& arguments) const;
  void kind();
  void child();
  void commands();
  void target();
  void routes();
  void readiness();
  [[nodiscard]] readiness_kind fitting_readiness() const;
  void http_readiness();
  void forward();
  void times();
  void try_options();

  const gateway_settings& gateway_;
  const std::vector<std::string>& listeners_;
  config::reader& from_;
  service_settings* service_ = nullptr;
  bool complained_ = false;  // of this service
  /// The service that has a route, or a socket's address.
  std::map<std::string, std::string, std::less<>> routes_;
  std::map<std::string, std::string, std::less<>> sockets_;
};

/// Tells what is no mistake and yet would make a start fail: a program that is not there, a user
/// that only root can take.
void remark_programs(const service_settings& service, config::reader& from);

}  // namespace baton::ondemand

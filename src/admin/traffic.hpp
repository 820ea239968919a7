#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "baton/http/statistics.hpp"

namespace baton::http {
class service;
}

namespace baton::admin {

/// What was answered on one listener since the beginning.
struct listener_traffic {
  std::string listener;
  std::uint64_t answers = 0;
  std::uint64_t errors = 0;  ///< those with a status of 5xx
};

/// The answers of several services, by listener. Thread-safe once the server has started.
class traffic {
 public:
  void watch(const http::service& requests) { services_.push_back(&requests); }
  [[nodiscard]] std::vector<listener_traffic> counts() const;
  [[nodiscard]] http::statistics sum() const;
  [[nodiscard]] static listener_traffic count(const http::listener_statistics& of);

 private:
  std::vector<const http::service*> services_;
};

}  // namespace baton::admin

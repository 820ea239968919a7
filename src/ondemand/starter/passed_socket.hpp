#pragma once

#include <string>

#include "baton/base/unique_fd.hpp"
#include "baton/net/address.hpp"
#include "baton/net/gate.hpp"
#include "baton/net/listener.hpp"
#include "baton/ondemand/service_options.hpp"

namespace baton::ondemand {

/// The listening socket that we bind for a program. It is ours for as long as the service is known,
/// not only while the program runs: who connects between two runs waits in its queue.
class passed_socket {
 public:
  /// Throws setup_error. Programs expect their accept(2) to block: so it does.
  passed_socket(const socket_passing& how, const std::string& service);
  ~passed_socket();
  passed_socket(const passed_socket&) = delete;
  passed_socket& operator=(const passed_socket&) = delete;

  [[nodiscard]] int fd() const noexcept { return listener_.fd(); }
  [[nodiscard]] const net::address& address() const noexcept { return listener_.local(); }

 private:
  net::gate gate_;
  net::listener listener_;
};

}  // namespace baton::ondemand

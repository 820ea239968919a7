#pragma once

#include <optional>
#include <string>

#include "baton/base/unique_fd.hpp"
#include "baton/net/address.hpp"
#include "baton/ondemand/service_options.hpp"
#include "net/unix_socket.hpp"

namespace baton::ondemand {

/// The listening socket that we bind for a program. It is ours for as long as the service is known,
/// not only while the program runs: who connects between two runs waits in its queue, for the next
/// one.
class passed_socket {
 public:
  /// Throws setup_error. Programs expect their accept(2) to block: so it does.
  passed_socket(const socket_passing& how, const std::string& service);
  /// One that an earlier generation of the gateway bound. Throws setup_error if it does not listen.
  passed_socket(unique_fd bound, const std::string& service);
  ~passed_socket();
  passed_socket(const passed_socket&) = delete;
  passed_socket& operator=(const passed_socket&) = delete;

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] const net::address& address() const noexcept { return address_; }
  /// Nobody listens there any more: connections that were not accepted are reset. Otherwise whoever
  /// sent a request on one would wait for ever, and the next run would be given it then.
  void turn_away() noexcept;
  /// Somebody else has it, too: its file stays.
  void leave_file() noexcept { file_.reset(); }

 private:
  unique_fd fd_;
  net::address address_;
  std::optional<net::file_identity> file_;
};

}  // namespace baton::ondemand

#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "baton/base/unique_fd.hpp"
#include "baton/net/address.hpp"
#include "baton/net/gate.hpp"
#include "baton/net/tls.hpp"

namespace baton::net {

/// What a listener with TLS does with connections in the clear.
enum class tls_policy : std::uint8_t {
  tls_only,     ///< refuses them; who speaks HTTP is told so
  tls_or_clear  ///< serves both on one port: the first byte tells
};

/// What a listener is asked for.
struct listener_options {
  /// See net::address for the syntax. Required.
  std::string address;
  /// The name under which the next generation finds this listener. Empty: the address's text.
  std::string name = {};
  /// listen(2) queue length; clamped by net.core.somaxconn, with a notice.
  int backlog = 4096;
  /// Connections served at once on this listener (the gate). At least 1; clamped to the
  /// descriptor limit (RLIMIT_NOFILE) with a notice.
  std::size_t max_connections = 100'000;
  /// Unix path only: permission bits of the socket file.
  mode_t unix_mode = 0666;
  /// Unix path only: owner and group by name or number; empty: unchanged.
  std::string unix_owner = {};
  std::string unix_group = {};
  /// Serve TLS. The service must take such connections (`service::takes_tls`).
  std::optional<tls_options> tls = {};
  tls_policy policy = tls_policy::tls_only;
  /// The one protocol that the service is to speak here, in the service's own words; empty:
  /// everything it can. See the service, such as http::protocol.
  std::string protocol = {};
  /// Proxies whose connections begin with a PROXY header (HAProxy's PROXY protocol, version 1 or
  /// 2), as net::network writes them: "10.0.0.0/8", "unix". They must send one; what anybody else
  /// sends is never taken for one. Empty: nobody.
  std::vector<std::string> proxy_from = {};
};

/// A listening socket, inherited or bound, with its gate.
///
/// Invariants: non-blocking, close-on-exec, SO_REUSEADDR set before bind, SO_REUSEPORT never (its
/// queue would die with one process, and clients in it). The path of a unix socket is removed only
/// by `unlink_path`, and only if the file is still this very socket.
class listener {
 public:
  /// Binds and listens. Throws setup_error naming address, reason and remedy. A stale unix socket
  /// file (nobody answers connect(2)) is replaced; a live one is refused.
  static listener bind(const listener_options& options, gate& process_gate);

  /// Takes an inherited descriptor after verifying that it is a listening stream socket of the
  /// expected family and address (getsockopt(2) SO_DOMAIN, SO_TYPE, SO_ACCEPTCONN; getsockname(2)).
  /// Throws setup_error that names what differs; the descriptor is then closed.
  static listener adopt(const listener_options& options, unique_fd descriptor, gate& process_gate);

  listener(listener&&) noexcept;
  listener& operator=(listener&&) noexcept;
  ~listener();

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// As bound: port 0 is already the real port here.
  [[nodiscard]] const net::address& local() const noexcept { return local_; }
  [[nodiscard]] const listener_options& options() const noexcept { return options_; }
  [[nodiscard]] net::gate& gate() noexcept { return *gate_; }
  [[nodiscard]] const net::gate& gate() const noexcept { return *gate_; }
  /// Another cap, clamped as the first one was; connections beyond it that are open stay.
  /// Thread-safe. Throws setup_error for 0.
  void limit_connections(std::size_t most);
  [[nodiscard]] bool inherited() const noexcept { return inherited_; }

  /// Closes the descriptor; whoever polled it must have stopped before.
  void close() noexcept { fd_.reset(); }
  /// Removes the socket file if it is still ours (device and inode compared); TCP: nothing.
  void unlink_path() noexcept;

 private:
  listener() = default;
  listener_options options_;
  std::string name_;
  net::address local_;
  unique_fd fd_;
  std::unique_ptr<net::gate> gate_;
  std::optional<std::pair<dev_t, ino_t>> inode_;
  bool inherited_ = false;
};

/// The hard and soft descriptor limits of this process; `raise_descriptor_limit` lifts the soft one
/// to the hard one (setrlimit(2)) and returns it.
std::size_t descriptor_limit() noexcept;
std::size_t raise_descriptor_limit() noexcept;

}  // namespace baton::net

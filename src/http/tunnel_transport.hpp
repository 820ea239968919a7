#pragma once

#include <cstddef>
#include <string_view>

namespace baton::http {

/// What carries a tunnel's bytes: an HTTP/1.1 connection behind its 101, or a stream of HTTP/2.
///
/// Invariants: none of these calls the tunnel's owner; that a client is found gone is told in a
/// turn of its own (`on_wake`, or readiness). All on one thread.
class tunnel_transport {
 public:
  tunnel_transport() = default;
  tunnel_transport(const tunnel_transport&) = delete;
  tunnel_transport& operator=(const tunnel_transport&) = delete;

  /// As tunnel::write, once the transport carries the tunnel.
  virtual std::size_t write(std::string_view bytes) = 0;
  [[nodiscard]] virtual std::size_t waiting() const noexcept = 0;
  /// The tunnel is not paused any more.
  virtual void resume() = 0;
  /// Our side ends behind what waits.
  virtual void end_output() = 0;
  /// Both sides end now. The transport asks nothing of the core any more.
  virtual void cut() = 0;
  /// `tunnel_core::wake_soon` was asked for: a turn of the loop's.
  virtual void on_wake() = 0;

 protected:
  ~tunnel_transport() = default;
};

}  // namespace baton::http

#pragma once

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "baton/base/unique_fd.hpp"
#include "baton/net/acceptor.hpp"
#include "baton/net/address.hpp"
#include "baton/net/gate.hpp"

namespace baton::net {

struct tls_info;

/// An accepted connection's bytes, in the clear or under TLS, so that protocols need not know
/// which.
///
/// Invariants: it never blocks; a client that left is an error code, never SIGPIPE; what `receive`
/// could decrypt it has delivered, so that readiness of the descriptor is all there is to wait
/// for; the slot is given back after the descriptor was closed. Lives on one loop.
class connection {
 public:
  explicit connection(accepted&& from) noexcept;
  connection(connection&&) noexcept;
  ~connection();

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  /// As recv(2): bytes received, 0 when the peer has ended its side, -1 with errno (EAGAIN: later).
  /// A broken TLS record is ECONNRESET, and so is an end without close_notify (RFC 8446 section
  /// 6.1). `into` holds `loop::buffer_size` bytes.
  [[nodiscard]] ssize_t receive(std::span<char> into) noexcept {
    if (direct_) [[likely]]
      return ::recv(fd_.get(), into.data(), into.size(), 0);
    return receive_indirectly(into);
  }

  /// As sendmsg(2) with MSG_NOSIGNAL: how many bytes were taken, -1 with errno. Under TLS bytes
  /// that were taken may still wait as records: see `unsent`. Then nothing more is taken, but what
  /// waits is tried again first, also with `count` 0.
  [[nodiscard]] ssize_t send(const iovec* parts, int count) noexcept {
    if (tls_ != nullptr) return send_under_tls(parts, count);
    return send_clear(parts, count);
  }
  /// Bytes that the socket must take before `send` takes more: wait for EPOLLOUT.
  [[nodiscard]] std::size_t unsent() const noexcept {
    return tls_ != nullptr ? waiting_records() : 0;
  }

  /// Ends our side: close_notify under TLS, then shutdown(2); what waits is sent before. False if
  /// the peer is gone. Under TLS a connection destroyed without it was cut off, to the peer.
  bool end_output() noexcept;
  /// Before the close of a connection whose peer has ended its side: says close_notify under TLS,
  /// which the peer may wait for. It goes out with the close, in one segment.
  void answer_end() noexcept;
  /// The coming close resets the connection, so that the peer takes nothing for complete.
  void reset_on_close() noexcept;
  /// Whether the peer has sent something that was not received yet (recv(2) with MSG_PEEK).
  [[nodiscard]] bool input_waits() const noexcept;
  /// Whether, of a connection that was not received from yet, there is nothing to receive before
  /// the poller says so.
  [[nodiscard]] bool drained() const noexcept { return drained_ && early_ == nullptr; }

  [[nodiscard]] const address& peer() const noexcept { return peer_; }
  [[nodiscard]] const listener* from() const noexcept { return from_; }
  [[nodiscard]] bool secure() const noexcept { return tls_ != nullptr; }
  /// What ALPN agreed on (RFC 7301); empty: nothing, or in the clear.
  [[nodiscard]] std::string_view protocol() const noexcept;
  /// What was agreed under TLS, valid as long as the connection; null in the clear.
  [[nodiscard]] const tls_info* security() const noexcept;

 private:
  [[nodiscard]] ssize_t receive_indirectly(std::span<char> into) noexcept;
  [[nodiscard]] ssize_t send_clear(const iovec* parts, int count) noexcept;
  [[nodiscard]] ssize_t send_under_tls(const iovec* parts, int count) noexcept;
  [[nodiscard]] std::size_t waiting_records() const noexcept;

  net::slot slot_;  // before the descriptor: given back after it was closed
  unique_fd fd_;
  address peer_;
  const listener* from_;
  tls_session_ptr tls_;
  std::unique_ptr<std::string> early_;  // received before this object was made
  bool direct_;                         // neither TLS nor early bytes: straight to the socket
  bool drained_;
};

}  // namespace baton::net

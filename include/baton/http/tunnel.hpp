#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "baton/base/error.hpp"

namespace baton::http {

namespace detail {
class tunnel_core;  // what ties a tunnel's handle to what carries its bytes
}

/// Who hears what happens to a tunnel, on the thread of the request's `context()`. What it throws
/// becomes a line in the error log, and the tunnel is cut. Never called within a member of that
/// tunnel, nor within `responder::tunnel`; within any event the tunnel may be used, ended, cut and
/// destroyed, and this object with it.
class tunnel_events {
 public:
  virtual ~tunnel_events() = default;

  /// Bytes of the client, valid during the call; all of them count as taken. Never while paused.
  /// What came behind the request comes here first.
  virtual void on_bytes(std::span<char> bytes) = 0;
  /// The client has ended its side: nothing more comes of it. It still reads.
  virtual void on_end() = 0;
  /// The tunnel is over before both sides have ended: connection_reset if the client is gone or
  /// took the stream back, timed_out if it took nothing for `limits::write_timeout`,
  /// no_buffer_space if more was written than `tunnel::most_waiting` bears, operation_aborted at
  /// the drain deadline. The last call.
  virtual void on_lost(error_code why) = 0;
  /// After a `write` that returned more than 0: nothing waits any more.
  virtual void on_writable() {}
  /// The server drains: come to an end, or be cut at the drain deadline. Once.
  virtual void on_drain() {}
};

/// Raw bytes both ways, once a request's connection (HTTP/1.1, behind 101) or stream (HTTP/2,
/// behind the 200 of an extended CONNECT, RFC 8441) has become another protocol: see
/// `responder::tunnel`.
///
/// Invariants: each side ends for itself (half-close); nothing is read while the tunnel is paused,
/// so that the client is held back; only what the client does not take is copied; however long both
/// sides are silent, it stays, for that is its owner's to judge. Destroyed before both
/// sides have ended, it is cut; afterwards what still waits goes out. Belongs to the thread of the
/// request's `context()`. Move-only.
class tunnel {
 public:
  /// More than this may not wait for the client: the tunnel is cut. Stop much earlier.
  static constexpr std::size_t most_waiting = std::size_t{16} * 1024 * 1024;

  /// Stands for no tunnel: `write` says 0, all else does nothing.
  tunnel() = default;
  explicit tunnel(std::shared_ptr<detail::tunnel_core> core) noexcept : core_{std::move(core)} {}
  tunnel(tunnel&&) noexcept = default;
  tunnel& operator=(tunnel&& other) noexcept;
  ~tunnel();

  /// Sends at once what the client takes, keeps the rest. Returns how many bytes wait now: where
  /// that is much (64 KiB, say), write on at `on_writable`. Does nothing once our side has ended.
  std::size_t write(std::string_view bytes);
  /// Bytes that wait for the client.
  [[nodiscard]] std::size_t waiting() const noexcept;

  /// Reads nothing more from the client; on HTTP/2 its window stays shut.
  void pause();
  void resume();

  /// Our side ends behind what waits: FIN, close_notify under TLS, or END_STREAM. The client may
  /// still send.
  void end();
  /// Ends both sides at once, so that the client does not take it for a proper end (a reset;
  /// CONNECT_ERROR on HTTP/2). No event follows.
  void cut();

  /// False once both sides have ended, and from `cut` and `on_lost` on.
  [[nodiscard]] bool is_open() const noexcept;
  explicit operator bool() const noexcept { return core_ != nullptr; }

 private:
  std::shared_ptr<detail::tunnel_core> core_;
};

}  // namespace baton::http

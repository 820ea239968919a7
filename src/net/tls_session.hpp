#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "baton/net/acceptor.hpp"
#include "baton/net/tls.hpp"
#include "net/openssl.hpp"

namespace baton::net {

class loop;
class plaintext;
class tls_snapshot;
class tls_workspace;

/// The server's side of TLS on one connection. It owns no descriptor: whoever owns it, and keeps it
/// non-blocking, names it in each call.
///
/// Invariants: what was received is decrypted in the same call, so nothing that could be read waits
/// here; what could not be sent waits here, and while it does no plaintext is taken; no buffer is
/// held while nothing waits. The handshake runs inside `receive`. Lives on one loop.
class tls_session {
 public:
  /// Plaintext that one `send` takes at most.
  static constexpr std::size_t largest_send = std::size_t{256} * 1024;

  /// Null if there is no memory.
  static tls_session_ptr make(loop& on, std::shared_ptr<const tls_snapshot> with) noexcept;
  ~tls_session();
  tls_session(const tls_session&) = delete;
  tls_session& operator=(const tls_session&) = delete;

  /// As `connection::receive`. `into` holds `loop::buffer_size` bytes.
  ssize_t receive(int fd, std::span<char> into) noexcept;
  /// The same for bytes that came before this session was made, `tls_workspace::raw_size` at most.
  ssize_t receive(int fd, std::span<const char> raw, std::span<char> into) noexcept;
  /// As `connection::send`.
  ssize_t send(int fd, const iovec* parts, int count) noexcept;
  /// As `connection::unsent`.
  [[nodiscard]] std::size_t unsent() const noexcept {
    return waiting_ != nullptr ? waiting_->bytes.size() - waiting_->sent : 0;
  }
  /// Sends close_notify, then ends the descriptor's output: now, or when what waits has gone.
  bool end_output(int fd) noexcept;
  /// Sends close_notify, for which the kernel waits for the end of the output, which must follow.
  void say_end(int fd) noexcept;

  /// Whether the handshake is done.
  [[nodiscard]] bool established() const noexcept { return established_; }
  [[nodiscard]] bool resumed() const noexcept;
  /// As `connection::protocol`.
  [[nodiscard]] std::string_view protocol() const noexcept;
  /// Why it failed, for the log.
  [[nodiscard]] std::string failure() const;
  /// See `tls.hpp`; made at the first call.
  [[nodiscard]] const tls_info& info();

 private:
  struct records {
    std::string bytes;
    std::size_t sent = 0;
  };
  struct details {
    tls_info info;  // views of the others
    std::string subject;
    std::string fingerprint;
  };

  tls_session(tls_workspace& work, std::shared_ptr<const tls_snapshot> with,
              openssl::connection ssl) noexcept;
  ssize_t end_of_input() noexcept;
  bool finish_handshake() noexcept;
  void note_failure(int outcome) noexcept;
  std::size_t encrypt(plaintext& from, std::size_t budget) noexcept;
  bool hold_output() noexcept;
  bool release_held() noexcept;
  bool send_output(int fd, int flags = 0) noexcept;
  bool send_waiting(int fd) noexcept;

  tls_workspace& work_;
  std::shared_ptr<const tls_snapshot> with_;  // OpenSSL calls into it
  openssl::connection ssl_;
  std::unique_ptr<records> waiting_;
  std::unique_ptr<std::string> held_;  // tickets that go with the first answer
  std::unique_ptr<details> details_;
  unsigned long error_ = 0;  // of OpenSSL
  bool established_ = false;
  bool peer_ended_ = false;     // close_notify came
  bool broken_ = false;         // nothing can be read or written any more
  bool end_when_sent_ = false;  // `end_output` was called while records waited
};

}  // namespace baton::net

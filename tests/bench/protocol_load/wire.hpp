#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "../load/options.hpp"
#include "loop.hpp"
#include "tls_client.hpp"

namespace bench {

class wire;

enum class wire_end : std::uint8_t {
  refused,  ///< while connecting
  reset_while_connecting,
  not_connected,  ///< another error while connecting
  no_socket,
  tls_failed,
  orderly,  ///< FIN, and under TLS close_notify before it
  cut,      ///< FIN without close_notify
  reset
};

/// Whoever uses a wire. After `on_end` the wire is of no more use.
class wire_user {
 public:
  wire_user() = default;
  virtual ~wire_user() = default;
  wire_user(const wire_user&) = delete;
  wire_user& operator=(const wire_user&) = delete;
  /// Connected, and under TLS the handshake is done.
  virtual void on_open(wire& from) = 0;
  virtual void on_bytes(wire& from, const char* at, const char* end) = 0;
  /// What one recv(2) brought was given to `on_bytes`.
  virtual void on_read_up(wire& from) { static_cast<void>(from); }
  virtual void on_end(wire& from, wire_end how) = 0;
};

/// How to get to the server.
struct route {
  destination to;
  const tls_client* tls = nullptr;  ///< null: in the clear
  const char* alpn = "http/1.1";
  bool tls12 = false;
};

/// One connection, in the clear or under TLS, that tells exactly how it ended.
class wire final : public watcher {
 public:
  wire(loop& on, wire_user& user) : loop_{on}, user_{user} {}
  ~wire() override { close(); }

  /// A failure is told by `on_end`, perhaps before this returns.
  void open(const route& to, tls_memory& memory);
  /// What the socket does not take now is sent later.
  void send(std::string_view bytes);
  /// Says close_notify and closes; `on_end` is not called.
  void close();

  [[nodiscard]] bool is_open() const noexcept { return stage_ == stage::open; }
  [[nodiscard]] bool is_closed() const noexcept { return stage_ == stage::closed; }
  /// Under TLS: whether a session was offered, and taken.
  [[nodiscard]] bool offered() const noexcept { return offered_; }
  [[nodiscard]] bool resumed() const noexcept {
    return ssl_ != nullptr && SSL_session_reused(ssl_.get()) == 1;
  }
  [[nodiscard]] bool secure() const noexcept { return ssl_ != nullptr; }
  [[nodiscard]] std::string_view alpn() const noexcept;

  void on_ready(std::uint32_t events) override;

 private:
  enum class stage : std::uint8_t { closed, connecting, shaking, open };

  void connected();
  void shake();
  void read();
  bool read_tls();
  void read_clear();
  void write();
  void want_write(bool wanted);
  void end(wire_end how);
  [[nodiscard]] wire_end tls_end(int outcome) const;

  loop& loop_;
  wire_user& user_;
  tls_connection ssl_;
  std::string unsent_;
  int fd_ = -1;
  stage stage_ = stage::closed;
  bool offered_ = false;
  bool watched_ = false;
  bool wants_write_ = false;
  bool reset_ = false;  // writing told so
  bool deaf_ = false;   // the peer takes nothing more; what it sent may still be read
};

}  // namespace bench

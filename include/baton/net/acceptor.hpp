#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "baton/base/unique_fd.hpp"
#include "baton/net/address.hpp"
#include "baton/net/gate.hpp"

namespace baton::net {

class listener;
class loop;
class tls_session;

struct tls_session_deleter {
  void operator()(tls_session* session) const noexcept;
};
using tls_session_ptr = std::unique_ptr<tls_session, tls_session_deleter>;

/// A connection as it came in: non-blocking, close-on-exec, TCP_NODELAY where it applies.
/// Whoever keeps the descriptor keeps the slot, and declares the slot first, so that the descriptor
/// is closed before the slot says that one is free.
struct accepted {
  net::slot slot;
  unique_fd fd;
  net::address peer;
  const listener* from = nullptr;
  /// Of a TLS connection, the handshake done; null in the clear.
  tls_session_ptr tls = {};
  /// What the client sent behind the introduction (PROXY header, TLS handshake), in the clear.
  std::unique_ptr<std::string> early = {};
  /// The descriptor was read empty before: behind `early` there is nothing to read until it is
  /// polled ready.
  bool drained = false;
};

using accept_handler = std::function<void(accepted)>;

/// One loop's place at one listener's door.
///
/// Invariants: accept4(2) is called only with a slot in hand; at the cap, or when descriptors or
/// memory run out, the listener is not even polled, and is polled again when a slot or a
/// descriptor of ours came free (and at the latest after `accept_retry`), so that waiting costs no
/// CPU. After `stop` no accept event reaches this loop (EPOLL_CTL_DEL before close). Lives on the
/// loop's thread.
class acceptor {
 public:
  /// How long accept rests at most when the system, not we, ran out of descriptors or memory.
  static constexpr std::chrono::milliseconds accept_retry{250};

  acceptor(loop& on, listener& from, accept_handler handler);
  ~acceptor();
  acceptor(const acceptor&) = delete;
  acceptor& operator=(const acceptor&) = delete;

  /// Begins or resumes to accept. Throws setup_error if the descriptor cannot be polled.
  void start();
  void stop() noexcept;
  /// Accepts whoever waits in the backlog now, as far as slots go: a last look before the door is
  /// closed for good, since closing a listening socket resets its queue.
  void take_waiting();
  [[nodiscard]] bool running() const noexcept;

 private:
  class state;
  std::shared_ptr<state> state_;
};

}  // namespace baton::net

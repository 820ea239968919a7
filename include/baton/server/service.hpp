#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "baton/base/error.hpp"
#include "baton/net/acceptor.hpp"

namespace baton {

namespace net {
class loop;
struct listener_options;
}  // namespace net

/// What a protocol is to the server: it takes accepted connections and knows three verbs.
///
/// A service outlives the server's run. Each member is called on the thread of the loop it names,
/// several loops at once. Whoever keeps an accepted connection keeps its slot for as long as it
/// lives: the server knows by the slots when a drain is over.
class service {
 public:
  service() = default;
  service(const service&) = delete;
  service& operator=(const service&) = delete;
  virtual ~service() = default;

  /// For the log: "http".
  [[nodiscard]] virtual std::string_view protocol() const noexcept = 0;
  /// Whether `serve` may be given connections under TLS (`net::accepted::tls`). If not, a listener
  /// with TLS is refused: nobody is served in the clear instead.
  [[nodiscard]] virtual bool takes_tls() const noexcept { return false; }
  /// The application protocols it speaks under TLS (ALPN, RFC 7301), the preferred one first, for
  /// listeners whose tls_options name none. Empty: whatever the client wants is not looked at.
  [[nodiscard]] virtual std::vector<std::string> tls_protocols() const { return {}; }
  /// Whether a listener of this service may be as `asked` for; called before its address is bound.
  /// Throws setup_error if not. A service that knows one protocol wants
  /// `listener_options::protocol` empty.
  virtual void check(const net::listener_options& asked) const;
  /// Called once for each loop, before any loop runs, on the thread that starts the server: the
  /// place to make what the service keeps for each thread (`net::loop::index` counts from 0).
  virtual void attach(net::loop& on) = 0;
  /// Takes one connection. Must not block.
  virtual void serve(net::loop& on, net::accepted connection) = 0;

  /// The drain begins on this loop: tell clients, go on serving.
  virtual void announce(net::loop& on) = 0;
  /// The announcement is taken back: a handover was rolled back within its probation.
  virtual void resume(net::loop& on) = 0;
  /// End every connection as soon as no work is open on it.
  virtual void close_when_idle(net::loop& on) = 0;
  /// End every connection now.
  virtual void drop(net::loop& on, error_code reason) = 0;
};

}  // namespace baton

#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "baton/http/access_log.hpp"
#include "baton/http/handler.hpp"
#include "baton/http/limits.hpp"
#include "baton/http/message.hpp"
#include "baton/http/protocol.hpp"
#include "baton/http/responder.hpp"
#include "baton/http/router.hpp"
#include "baton/http/statistics.hpp"
#include "baton/http/websocket.hpp"
#include "baton/net/listener.hpp"
#include "baton/server/service.hpp"

namespace baton {
class server;
}

namespace baton::http {

/// The first listener (see net::listener_options) and the limits, in one.
struct service_options {
  /// Listens at once if not empty; see net::address for the syntax.
  std::string address = {};
  /// Under which the next generation finds the listener; empty: the address's text.
  std::string name = {};
  int backlog = 4096;
  /// Connections served at once on this listener; the others wait in the kernel's backlog.
  std::size_t max_connections = 100'000;
  mode_t unix_mode = 0666;
  std::string unix_owner = {};
  std::string unix_group = {};
  /// Serve TLS: HTTPS, and WebSockets over it.
  std::optional<net::tls_options> tls = {};
  /// Whether a port with TLS serves clients in the clear too.
  net::tls_policy policy = net::tls_policy::tls_only;
  /// Proxies whose connections begin with a PROXY header; see net::listener_options.
  std::vector<std::string> proxy_from = {};
  http::limits limits = {};
  /// Count requests, latencies, bytes and messages for each listener (see `service::statistics`).
  bool statistics = true;
};

/// HTTP/1.1 on any number of listeners of one server.
///
/// Invariants: a request whose first byte was read is answered (drain deadline aside), answers
/// keep the order of the requests, a connection that the service closes for drain was told so by
/// `Connection: close` or was idle. What could be read in two ways is refused with 400 and the
/// connection closed (RFC 9112 section 11.2).
///
/// Routes and listeners are added before the server starts. The service outlives the server's run.
class service final : public baton::service {
 public:
  explicit service(server& on, service_options options = {});
  /// Without a server, for whoever hands over accepted connections himself (`serve`).
  explicit service(http::limits limits);
  ~service() override;

  /// One more listener. Throws setup_error. The reference is valid as long as the server.
  /// `net::listener_options::protocol` may keep it for one protocol, by the names of
  /// http::protocol.
  net::listener& listen(const net::listener_options& options);
  /// A listener for each protocol, on consecutive ports from `first.address` on (port 0: any free
  /// port for each). Their names are the protocols', behind `first.name` and a dot if it has one;
  /// those without TLS do without `first.tls`. Throws setup_error.
  std::vector<std::reference_wrapper<net::listener>> listen(
      const net::listener_options& first, std::span<const http::protocol> protocols);
  std::vector<std::reference_wrapper<net::listener>> listen(
      const net::listener_options& first, std::initializer_list<http::protocol> protocols) {
    return listen(first, std::span{protocols.begin(), protocols.size()});
  }

  // Throw setup_error if the pattern is malformed or taken; see `router` and `handler`.
  void get(std::string_view pattern, handler call, route_options options = {});
  void post(std::string_view pattern, handler call, route_options options = {});
  void put(std::string_view pattern, handler call, route_options options = {});
  void del(std::string_view pattern, handler call, route_options options = {});
  void patch(std::string_view pattern, handler call, route_options options = {});
  void head(std::string_view pattern, handler call, route_options options = {});
  void options(std::string_view pattern, handler call, route_options options = {});
  /// Every method that has no route of its own there.
  void any(std::string_view pattern, handler call, route_options options = {});
  void route(method on, std::string_view pattern, handler call, route_options options = {});
  /// WebSockets (RFC 6455; over HTTP/2 RFC 8441). Throws setup_error also for options that make no
  /// sense. Whoever asks without wanting a WebSocket is told 426.
  void websocket(std::string_view pattern, websocket_options options,
                 websocket_behaviour behaviour);
  void websocket(std::string_view pattern, websocket_behaviour behaviour) {
    websocket(pattern, {}, std::move(behaviour));
  }

  /// From now on requests are written into `to` (null: no access log, as at the beginning). Several
  /// services may share one. Thread-safe once the server has started; before, on its thread.
  void access_log(std::shared_ptr<http::access_log> to);

  /// Other limits, for open connections and new ones; a deadline that runs keeps its time (but
  /// keepalive and age of HTTP/2 count anew), and what an HTTP/2 connection was told in SETTINGS
  /// holds until it ends. Throws setup_error for what makes no sense; nothing is changed then.
  /// Thread-safe once the server has started; before, on its thread.
  void update(const http::limits& wanted);
  [[nodiscard]] http::limits limits() const;

  /// What was done so far, for each listener that had a client; empty if `service_options` does
  /// without. Thread-safe once the server has started.
  [[nodiscard]] http::statistics statistics() const;

  /// Calls `call` once, before the first connection is served, on the thread that starts the server
  /// (or at once if that has been). It may throw setup_error: then the server does not start.
  void on_start(std::function<void()> call);
  /// The server whose listeners it serves; null if it was made without one.
  [[nodiscard]] server* owner() const noexcept;

  // What the server calls; see baton::service.
  [[nodiscard]] std::string_view protocol() const noexcept override;
  [[nodiscard]] bool takes_tls() const noexcept override { return true; }
  [[nodiscard]] std::vector<std::string> tls_protocols() const override;
  void check(const net::listener_options& asked) const override;
  void attach(net::loop& on) override;
  void serve(net::loop& on, net::accepted connection) override;
  void announce(net::loop& on) override;
  void resume(net::loop& on) override;
  void close_when_idle(net::loop& on) override;
  void drop(net::loop& on, error_code reason) override;

 private:
  struct implementation;
  std::unique_ptr<implementation> self_;
};

}  // namespace baton::http

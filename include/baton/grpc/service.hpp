#pragma once

#include <concepts>
#include <memory>
#include <string_view>
#include <utility>

#include "baton/grpc/context.hpp"
#include "baton/grpc/metadata.hpp"
#include "baton/grpc/options.hpp"
#include "baton/grpc/status.hpp"
#include "baton/grpc/unary.hpp"
#include "baton/net/listener.hpp"

namespace grpc {
class Service;
}

namespace baton {
class server;
namespace http {
class service;
}
}  // namespace baton

namespace baton::grpc {

/// gRPC on any number of listeners of one server, on ports of its own or on those of HTTP.
///
/// Invariants: a call that was begun is answered; at the drain deadline what is left is told
/// UNAVAILABLE, so that clients may try again; whatever a client sends, it hears a status.
///
/// Services and routes are added before the server starts. It outlives the server's run.
class service {
 public:
  explicit service(server& on, service_options options = {});
  /// On the listeners of an HTTP service: one port for HTTP/1.1, HTTP/2, WebSockets and gRPC. What
  /// is no call, the HTTP service's own routes answer. `on` must outlive this.
  explicit service(http::service& on, call_options options = {});
  ~service();
  service(const service&) = delete;
  service& operator=(const service&) = delete;

  /// One more listener. Throws setup_error.
  net::listener& listen(const net::listener_options& options);

  /// Serves the methods of a generated service, synchronous or with callbacks, on grpc++'s threads.
  /// It must outlive the server's run. Two services of one name are a setup_error when the server
  /// starts.
  void add(::grpc::Service& generated);

  /// A native route: serves one unary method ("/package.Service/Method") on the thread of the
  /// connection's loop, without grpc++; before a service that was added and has it too.
  /// `handler` is one of
  ///
  ///     status(context&, const Request&, Reply&)     // at once; baton's status or ::grpc::Status
  ///     void(unary_call<Request, Reply>)             // later, from any thread
  ///
  /// and must not block. What it throws becomes UNKNOWN and a line in the error log. `Request` and
  /// `Reply` are classes that protoc made. Throws setup_error if the path is malformed or taken.
  template <class Request, class Reply, class Handler>
  void unary(std::string_view path, Handler handler) {
    if constexpr (std::invocable<Handler&, context&, const Request&, Reply&>) {
      route(path, detail::at_once<Request, Reply>(std::move(handler)));
    } else {
      static_assert(std::invocable<Handler&, unary_call<Request, Reply>>,
                    "a handler takes (context&, const Request&, Reply&) and returns a status, or "
                    "takes a unary_call<Request, Reply>");
      route(path, detail::afterwards<Request, Reply>(std::move(handler)));
    }
  }

  /// What grpc.health.v1 says of a service ("": of the server); at first all that were added, and
  /// those of native routes, are SERVING. While the server drains, all are NOT_SERVING. Thread-safe
  /// once the server has started; before, on its thread.
  void set_serving(std::string_view name, bool serving);

  /// The HTTP service underneath: further listeners and routes, limits, statistics, access log.
  [[nodiscard]] http::service& http() noexcept;

 private:
  void route(std::string_view path, detail::unary_function call);
  void route(std::string_view path, detail::later_function call);

  struct implementation;
  std::unique_ptr<implementation> self_;
};

}  // namespace baton::grpc

#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "baton/http/limits.hpp"
#include "baton/net/listener.hpp"
#include "baton/net/tls.hpp"

namespace baton::grpc {

enum class compression : std::uint8_t { none, gzip };

/// What holds for the calls of a service, whichever listener they come by.
struct call_options {
  /// Bytes of one message from a client, also after unpacking: RESOURCE_EXHAUSTED.
  std::size_t max_receive_message = std::size_t{4} * 1024 * 1024;
  /// Bytes of one message to a client: RESOURCE_EXHAUSTED.
  std::size_t max_send_message = std::size_t{4} * 1024 * 1024;
  /// Pack messages to clients that take it (grpc-accept-encoding), where that makes them shorter.
  /// What clients pack is unpacked either way: gzip and deflate.
  grpc::compression compression = compression::none;
  /// Serve grpc.health.v1.Health.
  bool health = true;
  /// Serve grpc.reflection.v1alpha.ServerReflection, of the services that were added.
  bool reflection = true;
  /// Serve gRPC-Web, binary and text, over HTTP/1.1 and HTTP/2.
  bool web = true;
  /// Origins ("https://example.org", or "*" for all) whose scripts may call by gRPC-Web from
  /// another site (CORS); empty: none.
  std::vector<std::string> web_origins = {};
};

/// `http::limits` as gRPC servers have them: idle for 5 minutes, kept alive by a PING each 30
/// seconds, an hour old at most and half a minute to leave then, headers of 8 KiB; a request's body
/// is as long as its messages are.
[[nodiscard]] http::limits default_limits();

/// The first listener (see net::listener_options), its limits and its calls, in one.
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
  /// One-way TLS, or mutual (`net::tls_mode`). What cannot be loaded is an error: nobody is served
  /// in the clear instead.
  std::optional<net::tls_options> tls = {};
  /// Whether a port with TLS serves clients in the clear too.
  net::tls_policy policy = net::tls_policy::tls_only;
  /// Proxies whose connections begin with a PROXY header; see net::listener_options.
  std::vector<std::string> proxy_from = {};
  http::limits limits = default_limits();
  grpc::call_options calls = {};
  /// Count requests, latencies and bytes for each listener (see `http::service::statistics`).
  bool statistics = true;
};

}  // namespace baton::grpc

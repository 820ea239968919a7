#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "baton/admin/health_options.hpp"
#include "baton/admin/metrics.hpp"
#include "baton/net/tls.hpp"

namespace baton::admin {

/// Where the admin service listens, and whom it answers.
struct options {
  /// See net::address for the syntax. One that is neither of the loopback nor a unix socket needs a
  /// token or allowed networks.
  std::string address = "127.0.0.1:9900";
  /// Under which the next generation finds the listener.
  std::string name = "admin";
  /// Connections at once.
  std::size_t max_connections = 256;
  /// Of a unix socket: who may connect may do everything.
  mode_t unix_mode = 0600;
  std::string unix_owner = {};
  std::string unix_group = {};
  std::optional<net::tls_options> tls = {};

  /// `Authorization: Bearer ...` (RFC 6750); empty: nobody is asked. At least 16 characters.
  std::string token = {};
  /// Peers that are answered, as net::network writes them; empty: all. What a proxy says of where
  /// a request comes from is never believed.
  std::vector<std::string> allowed = {};
  /// Host names that a browser may use for this service besides the loopback's and bare addresses;
  /// "admin.example.net", without a port. With a token any is good.
  std::vector<std::string> hosts = {};

  /// The page at "/", and those of extensions.
  bool dashboard = true;
  health_options health = {};
  metrics_options metrics = {};
};

}  // namespace baton::admin

#pragma once

#include <string>
#include <vector>

#include "baton/admin/options.hpp"
#include "baton/base/log_options.hpp"
#include "baton/config/parts.hpp"
#include "baton/http/access_log.hpp"
#include "baton/http/limits.hpp"
#include "baton/net/listener.hpp"
#include "baton/net/tls.hpp"
#include "baton/server/options.hpp"

namespace baton::http {
class service;
}

namespace baton::config {

/// Where to listen, and with which of the named TLS blocks.
struct listening {
  /// Its `tls` is that of the block, once the settings are loaded.
  net::listener_options options = {};
  /// Name of one of settings::tls; empty: no TLS.
  std::string tls = {};
};

/// A port for each protocol, from that of the address on.
struct protocol_ports {
  listening first = {};
  /// By the names of http::protocol.
  std::vector<std::string> protocols = {};
};

struct tls_block {
  std::string name = {};
  net::tls_options options = {};
};

struct access_settings {
  bool enabled = false;
  http::access_log_options options = {};
};

struct admin_settings {
  bool enabled = false;
  admin::options options = {};
  /// As listening::tls.
  std::string tls = {};
};

/// Everything that a configuration says; what it does not say has its default.
struct settings {
  server_options server = {};
  http::limits limits = {};
  std::vector<listening> listeners = {};
  std::vector<protocol_ports> protocols = {};
  std::vector<tls_block> tls = {};
  log_options logging = {};
  access_settings access = {};
  admin_settings admin = {};
  /// Of floors above.
  config::parts parts = {};
};

/// Opens all listeners of the settings for `on`, those of `protocols` behind the others, and its
/// access log. Throws setup_error.
void listen(const settings& with, http::service& on);

/// The settings as a JSON text, every key with its value; what is secret is masked. It can be
/// loaded again as a configuration, once secrets are filled in.
[[nodiscard]] std::string to_json(const settings& of);

}  // namespace baton::config

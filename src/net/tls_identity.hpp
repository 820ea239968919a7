#pragma once

#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "baton/net/tls.hpp"
#include "net/openssl.hpp"

namespace baton::net {

/// One certificate with its chain and its key, as loaded and found to fit each other.
struct tls_identity {
  /// Throws setup_error that names the file, what OpenSSL said, and the remedy. A certificate that
  /// is not valid now, and a stale OCSP response, is a notice in the log.
  static tls_identity load(const tls_certificate& from);

  [[nodiscard]] X509* certificate() const noexcept { return own.get(); }
  /// EVP_PKEY_RSA, EVP_PKEY_EC...: a server can show one certificate of each.
  [[nodiscard]] int kind() const noexcept { return EVP_PKEY_get_base_id(key.get()); }

  std::string shown;  // for messages
  openssl::certificate own;
  openssl::certificates chain;  // behind the own one
  openssl::private_key key;
  std::vector<std::string> names;  // lower case
  std::string ocsp;                // DER; empty: none
  std::time_t ocsp_until = 0;      // when it gets stale
};

/// As server names are compared: lower case, without the dot at the end.
std::string canonical_name(std::string_view name);

}  // namespace baton::net

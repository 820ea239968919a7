#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace bench {

struct free_tls {
  void operator()(SSL* p) const noexcept { SSL_free(p); }
  void operator()(SSL_CTX* p) const noexcept { SSL_CTX_free(p); }
  void operator()(SSL_SESSION* p) const noexcept { SSL_SESSION_free(p); }
};
using tls_session = std::unique_ptr<SSL_SESSION, free_tls>;
using tls_connection = std::unique_ptr<SSL, free_tls>;

/// What the client remembers of a server: its last session. Outlives the connections made with it.
struct tls_memory {
  tls_session last;
};

/// Makes the client's side of TLS connections.
class tls_client {
 public:
  /// `ca`: PEM file; empty: certificates are not verified. Throws std::runtime_error.
  tls_client(const std::string& ca, std::string host);

  /// Offers the session that `memory` has, and keeps new ones there. `alpn` is the one protocol
  /// that is offered.
  tls_connection make(int fd, const char* alpn, bool tls12, tls_memory& memory) const;

 private:
  std::unique_ptr<SSL_CTX, free_tls> context_;
  std::string host_;
};

}  // namespace bench

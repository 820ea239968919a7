#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <span>
#include <string_view>

#include "../load/options.hpp"

namespace bench {

struct openssl_deleter {
  void operator()(SSL_CTX* made) const noexcept { SSL_CTX_free(made); }
  void operator()(SSL* made) const noexcept { SSL_free(made); }
  void operator()(SSL_SESSION* made) const noexcept { SSL_SESSION_free(made); }
};
using tls_context = std::unique_ptr<SSL_CTX, openssl_deleter>;
using tls_ticket = std::unique_ptr<SSL_SESSION, openssl_deleter>;

/// A client's context that trusts anybody and keeps no session. `version` is "1.2", "1.3" or empty:
/// what the server prefers. Throws std::runtime_error.
tls_context make_context(std::string_view version);

/// One blocking connection, in the clear or under TLS. What fails throws std::runtime_error.
class line {
 public:
  explicit line(const destination& to);
  /// Shakes hands too: with `protocol` (ALPN) unless it is empty, resuming `ticket` if it is given.
  line(const destination& to, SSL_CTX& context, std::string_view protocol, SSL_SESSION* ticket);
  line(line&& from) noexcept;
  ~line();

  void write(std::string_view bytes);
  /// At least one byte.
  std::string_view read(std::span<char> into);
  /// Whether the server has sent nothing more, nor ended.
  [[nodiscard]] bool quiet() const noexcept;
  /// Says close_notify, so that the server sees an end in order.
  void end() noexcept;
  [[nodiscard]] SSL* tls() const noexcept { return tls_.get(); }

 private:
  int fd_;
  std::unique_ptr<SSL, openssl_deleter> tls_;
};

}  // namespace bench

#pragma once

#include <string>

#include "net/openssl.hpp"
#include "net/pem.hpp"

namespace baton::net {

/// The revocation lists of one listener (CRLs, RFC 5280 section 5).
///
/// Invariants: whoever shows a certificate is let in only if a list of its authority is there, in
/// date, and does not name it, and the same is true of each authority up to the one we trust. That
/// one is trusted for itself: it needs no list of whoever may have signed it; but if there is one
/// and it names it (`revokes`), it must not be made an authority at all.
class tls_revocation {
 public:
  /// `crl` is a path or PEM text. Throws setup_error; a list that is out of date is a notice.
  explicit tls_revocation(const std::string& crl);

  [[nodiscard]] bool revokes(X509* authority) const;
  /// Adds them to the authorities in `store`. Goes with `verify`.
  void use(X509_STORE* store) const;
  /// For SSL_CTX_set_verify: see the invariants.
  static int verify(int accepted, X509_STORE_CTX* of) noexcept;
  /// What they were made of.
  [[nodiscard]] const std::string& bytes() const noexcept { return source_.bytes; }

 private:
  pem::source source_;
  openssl::revocation_lists lists_;
};

}  // namespace baton::net

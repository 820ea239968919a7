#include "net/tls_revocation.hpp"

#include <fmt/format.h>

#include "baton/base/error.hpp"
#include "baton/base/log.hpp"

namespace baton::net {

tls_revocation::tls_revocation(const std::string& crl)
    : source_{pem::read("CRL", crl)}, lists_{pem::revocation_lists(source_)} {
  for (int i = 0; i < sk_X509_CRL_num(lists_.get()); ++i) {
    const auto* const until = X509_CRL_get0_nextUpdate(sk_X509_CRL_value(lists_.get(), i));
    if (until != nullptr && X509_cmp_current_time(until) < 0)
      log_notice(
          fmt::format("revocation list {} of the {} is out of date since {}: clients that it is "
                      "about are refused; fetch a new one",
                      i + 1, source_.shown, openssl::date_of(until)));
  }
}

bool tls_revocation::revokes(X509* authority) const {
  for (int i = 0; i < sk_X509_CRL_num(lists_.get()); ++i) {
    X509_REVOKED* entry = nullptr;
    if (X509_CRL_get0_by_cert(sk_X509_CRL_value(lists_.get(), i), &entry, authority) == 1)
      return true;
  }
  return false;
}

void tls_revocation::use(X509_STORE* store) const {
  for (int i = 0; i < sk_X509_CRL_num(lists_.get()); ++i) {
    if (X509_STORE_add_crl(store, sk_X509_CRL_value(lists_.get(), i)) != 1)
      throw setup_error{fmt::format("revocation list {} of the {} cannot be used: {}", i + 1,
                                    source_.shown, openssl::take_errors())};
  }
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
}

int tls_revocation::verify(int accepted, X509_STORE_CTX* of) noexcept {
  if (accepted == 1) return 1;
  const int error = X509_STORE_CTX_get_error(of);
  const bool about_a_list =
      error == X509_V_ERR_UNABLE_TO_GET_CRL || X509_STORE_CTX_get0_current_crl(of) != nullptr;
  const int depth = X509_STORE_CTX_get_error_depth(of);
  const bool trusted = depth > 0 && depth + 1 == sk_X509_num(X509_STORE_CTX_get0_chain(of));
  if (!about_a_list || !trusted || error == X509_V_ERR_CERT_REVOKED) return 0;
  X509_STORE_CTX_set_error(of, X509_V_OK);
  // A list whose signature was not ours to check leaves errors, and SSL_get_error believes them.
  ERR_clear_error();
  return 1;
}

}  // namespace baton::net

#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

/// OpenSSL's objects as C++ knows ownership, and its errors as text.
namespace baton::net::openssl {

template <auto Free>
struct freed_by {
  template <class Object>
  void operator()(Object* object) const noexcept {
    Free(object);
  }
};

// Macros in OpenSSL, so that they cannot be named as template arguments.
inline void free_certificates(STACK_OF(X509) * all) noexcept { sk_X509_pop_free(all, X509_free); }
inline void free_lists(STACK_OF(X509_CRL) * all) noexcept {
  sk_X509_CRL_pop_free(all, X509_CRL_free);
}
inline void free_names(GENERAL_NAMES* all) noexcept { GENERAL_NAMES_free(all); }

using bio = std::unique_ptr<BIO, freed_by<BIO_free_all>>;
using certificate = std::unique_ptr<X509, freed_by<X509_free>>;
using certificates = std::unique_ptr<STACK_OF(X509), freed_by<free_certificates>>;
using revocation_lists = std::unique_ptr<STACK_OF(X509_CRL), freed_by<free_lists>>;
using general_names = std::unique_ptr<GENERAL_NAMES, freed_by<free_names>>;
using private_key = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using ocsp_response = std::unique_ptr<OCSP_RESPONSE, freed_by<OCSP_RESPONSE_free>>;
using ocsp_basic = std::unique_ptr<OCSP_BASICRESP, freed_by<OCSP_BASICRESP_free>>;
using connection = std::unique_ptr<SSL, freed_by<SSL_free>>;
using context = std::unique_ptr<SSL_CTX, freed_by<SSL_CTX_free>>;

/// What went wrong on this thread, in OpenSSL's words; empties its queue.
std::string take_errors();
/// A date in words.
std::string date_of(const ASN1_TIME* time);
/// One error in words.
std::string describe(unsigned long error);

}  // namespace baton::net::openssl

// What OpenSSL asks a listener's TLS in the middle of a handshake.
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <ctime>
#include <new>
#include <string_view>

#include "net/tls_snapshot.hpp"

namespace baton::net {
namespace {

/// Whether a session of TLS 1.2 goes on with a cipher that is still wanted: OpenSSL does not ask.
/// (TLS 1.3 agrees on one anew, RFC 8446 section 4.6.1.)
bool cipher_is_wanted(SSL* ssl, const SSL_SESSION* session) noexcept {
  if (SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION) return true;
  return sk_SSL_CIPHER_find(SSL_get_ciphers(ssl), SSL_SESSION_get0_cipher(session)) >= 0;
}

}  // namespace

/// Puts the certificates for the client's server name in place of the standard ones.
int tls_snapshot::choose_identity(SSL* ssl, void* self) noexcept {
  const auto& here = *static_cast<const tls_snapshot*>(self);
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return 1;
  try {
    const auto& chosen = here.names_->find(name);
    if (chosen == here.names_->standard()) return 1;
    SSL_certs_clear(ssl);
    for (const auto index : chosen) {
      const auto& each = here.identities_[index];
      if (SSL_use_cert_and_key(ssl, each.certificate(), each.key.get(), each.chain.get(), 1) != 1)
        return 0;
    }
    return 1;
  } catch (const std::bad_alloc&) {
    return 0;
  }
}

/// The first of ours that the client offers; none in common is fatal (RFC 7301 section 3.2).
int tls_snapshot::choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size,
                                  const unsigned char* offered, unsigned offered_size,
                                  void* self) noexcept {
  const auto& ours = static_cast<const tls_snapshot*>(self)->protocols_;
  unsigned char* found = nullptr;
  const int outcome =
      SSL_select_next_proto(&found, size, reinterpret_cast<const unsigned char*>(ours.data()),
                            static_cast<unsigned>(ours.size()), offered, offered_size);
  *chosen = found;
  return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/// The client asked for the OCSP response of the certificate that was chosen for it.
int tls_snapshot::staple(SSL* ssl, void* self) noexcept {
  const auto& here = *static_cast<const tls_snapshot*>(self);
  const auto* const shown = SSL_get_certificate(ssl);
  for (const auto& each : here.identities_) {
    if (each.certificate() != shown || each.ocsp.empty()) continue;
    if (std::time(nullptr) >= each.ocsp_until) break;
    // OpenSSL frees it.
    auto* const copy = OPENSSL_memdup(each.ocsp.data(), each.ocsp.size());
    if (copy == nullptr) break;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(each.ocsp.size()));
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_NOACK;
}

/// Prepares to seal or to open a ticket: 1: with the key of today, 2: of an older one, so that the
/// client is given a new ticket, 0: unknown, -1: failure.
int tls_snapshot::key_ticket(SSL* ssl, unsigned char* name, unsigned char* iv,
                             EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, int sealing) noexcept {
  constexpr std::size_t name_size = 16;
  const auto& here = *static_cast<const tls_snapshot*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  const auto now = static_cast<ticket_keys::seconds>(std::time(nullptr));
  ticket_keys::found with;
  try {
    if (sealing == 1) {
      with.with = here.tickets_->sealing(now);
    } else {
      const auto found =
          here.tickets_->opening(std::span<const unsigned char, name_size>{name, name_size}, now);
      if (!found) return 0;
      with = *found;
    }
  } catch (const std::exception&) {
    return -1;
  }
  auto& key = with.with;
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac.data(), key.mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  bool done = EVP_MAC_CTX_set_params(mac, parameters) == 1;
  if (sealing == 1) {
    std::copy(key.name.begin(), key.name.end(), name);
    done = done && RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) == 1 &&
           EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv) == 1;
  } else {
    done =
        done && EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv) == 1;
  }
  OPENSSL_cleanse(&key, sizeof key);
  if (!done) return -1;
  return with.current ? 1 : 2;
}

/// A ticket speaks for the client certificate inside it: without one where one is required, or
/// with one that has expired since, the client must shake hands in full. So must a client whose
/// cipher is no longer one of ours.
SSL_TICKET_RETURN tls_snapshot::judge_ticket(SSL* ssl, SSL_SESSION* session, const unsigned char*,
                                             std::size_t, SSL_TICKET_STATUS status,
                                             void*) noexcept {
  if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  if (!cipher_is_wanted(ssl, session)) return SSL_TICKET_RETURN_IGNORE_RENEW;
  const int mode = SSL_get_verify_mode(ssl);
  if (mode != SSL_VERIFY_NONE) {
    const auto* const peer = SSL_SESSION_get0_peer(session);
    const bool missing = peer == nullptr && (mode & SSL_VERIFY_FAIL_IF_NO_PEER_CERT) != 0;
    const bool expired = peer != nullptr && X509_cmp_current_time(X509_get0_notAfter(peer)) < 0;
    if (missing || expired) return SSL_TICKET_RETURN_IGNORE_RENEW;
  }
  // In TLS 1.3 clients use a ticket once (RFC 8446 appendix C.4) and need another for next time.
  const bool used_up = SSL_version(ssl) >= TLS1_3_VERSION;
  return used_up || status == SSL_TICKET_SUCCESS_RENEW ? SSL_TICKET_RETURN_USE_RENEW
                                                       : SSL_TICKET_RETURN_USE;
}

}  // namespace baton::net

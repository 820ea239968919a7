#include "net/tls_snapshot.hpp"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "baton/base/error.hpp"
#include "baton/base/log.hpp"
#include "net/pem.hpp"
#include "net/tls_revocation.hpp"

namespace baton::net {
namespace {

// Authenticated encryption with forward secrecy; AES-128 first, which is as safe as one can tell
// and a fifth cheaper than AES-256.
constexpr const char* default_ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* default_ciphersuites =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

[[noreturn]] void refuse(std::string_view why) { throw setup_error{std::string{why}}; }

void need(bool done, std::string_view what) {
  if (!done) throw setup_error{fmt::format("{}: {}", what, openssl::take_errors())};
}

client_certificate asked_of_clients(const tls_options& options) {
  return options.mode == tls_mode::mutual ? client_certificate::require : options.clients;
}

void check_automatic(const tls_options& options) {
  const char* extra = !options.ca.empty()                            ? "ca"
                      : !options.crl.empty()                         ? "crl"
                      : options.clients != client_certificate::none  ? "clients"
                      : options.minimum_version != tls_version::v1_2 ? "minimum_version"
                      : !options.ciphers.empty()                     ? "ciphers"
                      : !options.ciphersuites.empty()                ? "ciphersuites"
                      : !options.prefer_server_ciphers               ? "prefer_server_ciphers"
                                                                     : nullptr;
  if (extra != nullptr)
    refuse(
        fmt::format("tls_options::{} is set, and the mode is automatic, which leaves it to "
                    "baton: remove it, or set the mode to manual (or mutual)",
                    extra));
}

void check_clients(const tls_options& options) {
  if (options.mode == tls_mode::mutual && options.clients == client_certificate::request)
    refuse(
        "the mode is mutual, which requires client certificates, and tls_options::clients only "
        "requests them: remove `clients`, or set the mode to manual");
  const bool asked = asked_of_clients(options) != client_certificate::none;
  if (asked && options.ca.empty())
    refuse(
        "clients are asked for certificates and no tls_options::ca says who may sign them: set it "
        "to a PEM file with the certificates of those authorities");
  if (!asked && !options.ca.empty())
    refuse(
        "tls_options::ca is set and no client is asked for a certificate: set `clients` to request "
        "or require, or remove `ca`");
  if (!asked && !options.crl.empty())
    refuse(
        "tls_options::crl is set and no client is asked for a certificate: set `clients` to "
        "request or require, and `ca`, or remove `crl`");
}

/// Makes those of the CA file that were not revoked authorities over clients. Returns what says who
/// may be a client.
std::string trust_authorities(SSL_CTX* context, const tls_options& options) {
  const auto source = pem::read("CA", options.ca);
  const auto authorities = pem::certificates(source);
  std::optional<tls_revocation> revoked;
  if (!options.crl.empty()) revoked.emplace(options.crl);
  auto* const store = SSL_CTX_get_cert_store(context);
  // Whoever is named may sign, also an authority that is itself signed by another one.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  for (int i = 0; i < sk_X509_num(authorities.get()); ++i) {
    auto* const each = sk_X509_value(authorities.get(), i);
    if (revoked && revoked->revokes(each)) {
      log_notice(
          fmt::format("certificate {} of the {} was revoked: clients that it signed are "
                      "refused; remove it",
                      i + 1, source.shown));
      continue;
    }
    need(X509_STORE_add_cert(store, each) == 1 && SSL_CTX_add_client_CA(context, each) == 1,
         fmt::format("certificate {} of the {} cannot be used", i + 1, source.shown));
  }
  if (!revoked) return source.bytes;
  revoked->use(store);
  return source.bytes + revoked->bytes();
}

}  // namespace

void check(const tls_options& options) {
  if (options.certificates.empty())
    refuse("no certificate is given: set tls_options::certificates to one with its key");
  if (options.mode == tls_mode::automatic) check_automatic(options);
  check_clients(options);
  if (options.handshake_timeout.count() <= 0)
    refuse("tls_options::handshake_timeout must be more than 0");
  if (options.ticket_lifetime.count() < 0 ||
      options.ticket_lifetime > ticket_keys::longest_lifetime)
    refuse(
        fmt::format("tls_options::ticket_lifetime is {} s: set it from 0 (no tickets) to {} s, "
                    "seven days (RFC 8446 section 4.6.1)",
                    options.ticket_lifetime.count(), ticket_keys::longest_lifetime.count()));
  for (const auto& each : options.alpn)
    if (each.empty() || each.size() > 255)
      refuse(fmt::format("\"{}\" in tls_options::alpn has {} bytes: it must have 1 to 255", each,
                         each.size()));
}

std::shared_ptr<const tls_snapshot> tls_snapshot::load(const tls_options& options,
                                                       const std::string& listener,
                                                       const std::vector<std::string>& protocols,
                                                       std::shared_ptr<ticket_keys> tickets) {
  ERR_clear_error();
  std::shared_ptr<tls_snapshot> made{new tls_snapshot{options, std::move(tickets)}};
  made->set_versions();
  made->set_identities();
  made->set_clients(listener);
  made->set_protocols(protocols);
  made->set_tickets();
  ERR_clear_error();
  return made;
}

tls_snapshot::tls_snapshot(const tls_options& options, std::shared_ptr<ticket_keys> tickets)
    : options_{options}, context_{SSL_CTX_new(TLS_server_method())}, tickets_{std::move(tickets)} {
  need(context_ != nullptr, "OpenSSL cannot make a TLS context");
  SSL_CTX_set_app_data(context(), this);
}

tls_snapshot::~tls_snapshot() = default;

void tls_snapshot::set_versions() {
  auto* const ssl = context();
  SSL_CTX_set_options(ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  if (options_.prefer_server_ciphers)
    // A client without AES in hardware says so by its order, and is then given ChaCha20.
    SSL_CTX_set_options(ssl, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  // An idle connection holds no buffer; a record is encrypted from where the caller has it.
  SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  const bool newest = options_.minimum_version == tls_version::v1_3;
  need(SSL_CTX_set_min_proto_version(ssl, newest ? TLS1_3_VERSION : TLS1_2_VERSION) == 1,
       "OpenSSL does not take the minimum version");
  const auto& ciphers = options_.ciphers;
  need(SSL_CTX_set_cipher_list(ssl, ciphers.empty() ? default_ciphers : ciphers.c_str()) == 1,
       fmt::format("tls_options::ciphers \"{}\" cannot be used; see openssl-ciphers(1) for the "
                   "names (those of TLS 1.3 belong in `ciphersuites`)",
                   ciphers));
  const auto& suites = options_.ciphersuites;
  need(SSL_CTX_set_ciphersuites(ssl, suites.empty() ? default_ciphersuites : suites.c_str()) == 1,
       fmt::format("tls_options::ciphersuites \"{}\" cannot be used; write names such as "
                   "TLS_AES_128_GCM_SHA256, with colons between them",
                   suites));
}

/// Asks clients for certificates, and makes tickets worthless at any listener that asks otherwise:
/// a ticket stands for the certificate that was shown when it was given.
void tls_snapshot::set_clients(const std::string& listener) {
  const auto asked = asked_of_clients(options_);
  int mode = SSL_VERIFY_NONE;
  if (asked != client_certificate::none) mode = SSL_VERIFY_PEER;
  if (asked == client_certificate::require) mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  std::string identity = fmt::format("baton:{}:{}:", mode, listener);
  // A ticket that was given under other authorities or lists does not replace the look at these.
  if (!options_.ca.empty()) identity += trust_authorities(context(), options_);
  SSL_CTX_set_verify(context(), mode, options_.crl.empty() ? nullptr : tls_revocation::verify);
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(identity.data()), identity.size(), digest);
  static_assert(sizeof digest <= SSL_MAX_SID_CTX_LENGTH);
  need(SSL_CTX_set_session_id_context(context(), digest, sizeof digest) == 1,
       "OpenSSL does not take the session id context");
}

void tls_snapshot::set_identities() {
  std::vector<tls_names::candidate> candidates;
  for (const auto& each : options_.certificates) {
    identities_.push_back(tls_identity::load(each));
    candidates.push_back({identities_.back().names, identities_.back().kind()});
  }
  names_ = std::make_unique<tls_names>(candidates);
  for (const auto& name : names_->doubled())
    log_notice(fmt::format(
        "two certificates with the same kind of key are for the server name {}: the first one "
        "serves it",
        name));
  for (const auto index : names_->standard()) {
    const auto& each = identities_[index];
    need(SSL_CTX_use_cert_and_key(context(), each.certificate(), each.key.get(), each.chain.get(),
                                  1) == 1,
         fmt::format("OpenSSL refuses the {}; make one with a longer key or a newer digest",
                     each.shown));
  }
  SSL_CTX_set_cert_cb(context(), choose_identity, this);
  // Only so that the client is told that its server name was looked at.
  SSL_CTX_set_tlsext_servername_callback(
      context(), +[](SSL*, int*, void*) { return SSL_TLSEXT_ERR_OK; });
  const bool stapling = std::any_of(identities_.begin(), identities_.end(),
                                    [](const tls_identity& each) { return !each.ocsp.empty(); });
  if (!stapling) return;
  SSL_CTX_set_tlsext_status_cb(context(), staple);
  SSL_CTX_set_tlsext_status_arg(context(), this);
}

void tls_snapshot::set_protocols(const std::vector<std::string>& protocols) {
  for (const auto& each : protocols)
    protocols_.append(1, static_cast<char>(each.size())).append(each);
  if (!protocols_.empty()) SSL_CTX_set_alpn_select_cb(context(), choose_protocol, this);
}

void tls_snapshot::set_tickets() {
  // What a ticket holds need not be remembered here.
  SSL_CTX_set_session_cache_mode(context(), SSL_SESS_CACHE_OFF);
  if (tickets_ == nullptr) {
    SSL_CTX_set_options(context(), SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context(), 0);
    return;
  }
  // One, not OpenSSL's two: who comes back with it is given the next one (RFC 8446 appendix C.4),
  // and each is paid for by every client, also by those that never come back.
  SSL_CTX_set_num_tickets(context(), 1);
  SSL_CTX_set_timeout(context(), static_cast<long>(options_.ticket_lifetime.count()));
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context(), key_ticket);
  SSL_CTX_set_session_ticket_cb(context(), nullptr, judge_ticket, this);
}

std::string tls_snapshot::description() const {
  std::string all;
  for (const auto& each : identities_) {
    if (!all.empty()) all += ", ";
    all += each.shown;
    const auto names = fmt::format("{}", fmt::join(each.names, " "));
    if (!names.empty()) all += fmt::format(" for {}", names);
  }
  return all;
}

}  // namespace baton::net

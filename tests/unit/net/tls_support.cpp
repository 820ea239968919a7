#include "tls_support.hpp"

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <ctime>
#include <stdexcept>

namespace baton::net::test {
namespace {

void need(bool done) {
  if (!done) throw std::runtime_error{"OpenSSL, in a test: " + openssl::take_errors()};
}

template <class Write>
std::string as_text(Write write) {
  const openssl::bio out{BIO_new(BIO_s_mem())};
  need(write(out.get()));
  char* text = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

template <class Object, class Read>
Object from_text(const std::string& text, Read read) {
  const openssl::bio in{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
  Object made{read(in.get(), nullptr, nullptr, nullptr)};
  need(made != nullptr);
  return made;
}

std::string pem_of(X509* certificate) {
  return as_text([&](BIO* out) { return PEM_write_bio_X509(out, certificate) == 1; });
}

openssl::private_key make_key(bool rsa) {
  openssl::private_key made{rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256")};
  need(made != nullptr);
  return made;
}

/// Making one takes a while, and no test needs two.
EVP_PKEY* rsa_key() {
  static const auto key = make_key(true);
  return key.get();
}

void add_extension(X509* to, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, openssl::freed_by<X509_EXTENSION_free>> made{
      X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str())};
  need(made != nullptr && X509_add_ext(to, made.get(), -1) == 1);
}

openssl::certificate make_certificate(const std::string& name, EVP_PKEY* key, long from,
                                      long until) {
  static std::atomic<long> serial{std::time(nullptr)};
  openssl::certificate made{X509_new()};
  need(X509_set_version(made.get(), X509_VERSION_3) == 1);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), from);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), until);
  need(X509_set_pubkey(made.get(), key) == 1);
  need(X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8,
                                  reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1,
                                  0) == 1);
  return made;
}

/// OpenSSL forbids to resume a session whose connection was freed without a shutdown, so that each
/// connection has one of its own.
session_ptr copied(SSL_SESSION* from) { return session_ptr{SSL_SESSION_dup(from)}; }

}  // namespace

authority::authority(std::string_view name)
    : key_{make_key(false)},
      own_{make_certificate(std::string{name}, key_.get(), -7200, 10 * 86'400)} {
  X509_set_issuer_name(own_.get(), X509_get_subject_name(own_.get()));
  add_extension(own_.get(), own_.get(), NID_basic_constraints, "critical,CA:TRUE");
  add_extension(own_.get(), own_.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  need(X509_sign(own_.get(), key_.get(), EVP_sha256()) != 0);
}

std::string authority::pem() const { return pem_of(own_.get()); }

issued authority::issue(const wanted_certificate& wanted) const {
  const auto own_key = wanted.rsa ? nullptr : make_key(false);
  auto* const key = wanted.rsa ? rsa_key() : own_key.get();
  const auto made =
      make_certificate(wanted.common_name, key, wanted.valid_from, wanted.valid_until);
  X509_set_issuer_name(made.get(), X509_get_subject_name(own_.get()));
  std::string names;
  for (const auto& each : wanted.names) names += (names.empty() ? "DNS:" : ",DNS:") + each;
  if (!names.empty()) add_extension(made.get(), own_.get(), NID_subject_alt_name, names);
  need(X509_sign(made.get(), key_.get(), EVP_sha256()) != 0);
  issued all;
  all.certificate = pem_of(made.get());
  all.key = as_text([&](BIO* out) {
    return PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr) == 1;
  });
  if (!wanted.passphrase.empty()) {
    all.encrypted_key = as_text([&](BIO* out) {
      return PEM_write_bio_PrivateKey(
                 out, key, EVP_aes_256_cbc(),
                 reinterpret_cast<const unsigned char*>(wanted.passphrase.data()),
                 static_cast<int>(wanted.passphrase.size()), nullptr, nullptr) == 1;
    });
  }
  return all;
}

std::string authority::ocsp_for(const std::string& certificate, long seconds) const {
  const auto of = from_text<openssl::certificate>(certificate, PEM_read_bio_X509);
  const openssl::ocsp_basic basic{OCSP_BASICRESP_new()};
  const std::unique_ptr<OCSP_CERTID, openssl::freed_by<OCSP_CERTID_free>> id{
      OCSP_cert_to_id(EVP_sha1(), of.get(), own_.get())};
  const std::unique_ptr<ASN1_TIME, openssl::freed_by<ASN1_TIME_free>> from{
      X509_gmtime_adj(nullptr, -7200)};
  const std::unique_ptr<ASN1_TIME, openssl::freed_by<ASN1_TIME_free>> until{
      X509_gmtime_adj(nullptr, seconds)};
  need(OCSP_basic_add1_status(basic.get(), id.get(), V_OCSP_CERTSTATUS_GOOD, 0, nullptr, from.get(),
                              until.get()) != nullptr);
  need(OCSP_basic_sign(basic.get(), own_.get(), key_.get(), EVP_sha256(), nullptr, 0) == 1);
  const openssl::ocsp_response response{
      OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get())};
  return as_text([&](BIO* out) { return i2d_OCSP_RESPONSE_bio(out, response.get()) == 1; });
}

tls_client::tls_client(const client_options& options) : context_{SSL_CTX_new(TLS_client_method())} {
  auto* const context = context_.get();
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, [](SSL* ssl, SSL_SESSION* session) {
    static_cast<tls_client*>(SSL_get_app_data(ssl))->ticket_.reset(session);
    return 1;
  });
  if (!options.ca.empty()) {
    const auto ca = from_text<openssl::certificate>(options.ca, PEM_read_bio_X509);
    need(X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca.get()) == 1);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  }
  if (options.version != 0) {
    SSL_CTX_set_min_proto_version(context, options.version);
    SSL_CTX_set_max_proto_version(context, options.version);
  }
  if (!options.ciphers.empty()) {
    if (options.ciphers.starts_with("TLS_")) {
      need(SSL_CTX_set_ciphersuites(context, options.ciphers.c_str()) == 1);
    } else {
      need(SSL_CTX_set_cipher_list(context, options.ciphers.c_str()) == 1);
    }
  }
  if (!options.signature_algorithms.empty())
    need(SSL_CTX_set1_sigalgs_list(context, options.signature_algorithms.c_str()) == 1);
  if (!options.certificate.certificate.empty()) {
    const auto own =
        from_text<openssl::certificate>(options.certificate.certificate, PEM_read_bio_X509);
    const auto key =
        from_text<openssl::private_key>(options.certificate.key, PEM_read_bio_PrivateKey);
    need(SSL_CTX_use_cert_and_key(context, own.get(), key.get(), nullptr, 1) == 1);
  }
  ssl_.reset(SSL_new(context));
  SSL_set_app_data(ssl_.get(), this);
  if (!options.server_name.empty())
    SSL_set_tlsext_host_name(ssl_.get(), options.server_name.c_str());
  std::string protocols;
  for (const auto& each : options.alpn)
    protocols.append(1, static_cast<char>(each.size())).append(each);
  if (!protocols.empty())
    SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(protocols.data()),
                        static_cast<unsigned>(protocols.size()));
  if (options.ask_ocsp) SSL_set_tlsext_status_type(ssl_.get(), TLSEXT_STATUSTYPE_ocsp);
  if (options.resume != nullptr) {
    const auto once = copied(options.resume);
    need(SSL_set_session(ssl_.get(), once.get()) == 1);
  }
  SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  BIO_set_mem_eof_return(SSL_get_rbio(ssl_.get()), -1);
  SSL_set_connect_state(ssl_.get());
}

std::string tls_client::take_output() {
  auto* const out = SSL_get_wbio(ssl_.get());
  std::string bytes(BIO_ctrl_pending(out), '\0');
  if (!bytes.empty()) BIO_read(out, bytes.data(), static_cast<int>(bytes.size()));
  return bytes;
}

void tls_client::give_input(std::string_view bytes) {
  BIO_write(SSL_get_rbio(ssl_.get()), bytes.data(), static_cast<int>(bytes.size()));
}

void tls_client::note(int outcome) {
  switch (SSL_get_error(ssl_.get(), outcome)) {
    case SSL_ERROR_WANT_READ:
      return;
    case SSL_ERROR_ZERO_RETURN:
      ended_ = true;
      return;
    default:
      if (!failed_) failure_ = openssl::take_errors();
      failed_ = true;
      ERR_clear_error();
  }
}

bool tls_client::advance() {
  ERR_clear_error();
  if (!established() && !failed_) {
    const int outcome = SSL_do_handshake(ssl_.get());
    if (outcome != 1) note(outcome);
  }
  char piece[16384];
  while (established() && !failed_ && !ended_) {
    const int got = SSL_read(ssl_.get(), piece, sizeof piece);
    if (got <= 0) {
      note(got);
      break;
    }
    plain_.append(piece, static_cast<std::size_t>(got));
  }
  return established();
}

std::string tls_client::read() { return std::exchange(plain_, {}); }

void tls_client::write(std::string_view text) {
  ERR_clear_error();
  need(SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())) > 0);
}

session_ptr tls_client::ticket() const {
  return ticket_ == nullptr ? nullptr : copied(ticket_.get());
}

std::string tls_client::alpn() const {
  const unsigned char* text = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &text, &size);
  return {reinterpret_cast<const char*>(text), size};
}

std::string tls_client::server() const {
  const auto* const certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr) return {};
  char name[256] = {};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
  return name;
}

std::string tls_client::ocsp() const {
  const unsigned char* bytes = nullptr;
  const auto size = SSL_get_tlsext_status_ocsp_resp(ssl_.get(), &bytes);
  return size <= 0
             ? std::string{}
             : std::string{reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)};
}

void send_all(int fd, std::string bytes) {
  std::string_view rest{bytes};
  while (!rest.empty()) {
    const auto sent = ::send(fd, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return;
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::string receive_some(int fd, bool* end) {
  std::string all;
  char piece[65536];
  for (;;) {
    const auto got = ::recv(fd, piece, sizeof piece, MSG_DONTWAIT);
    if (got == 0 && end != nullptr) *end = true;
    if (got <= 0) return all;
    all.append(piece, static_cast<std::size_t>(got));
  }
}

void exchange(tls_client& client, int fd) {
  client.advance();
  send_all(fd, client.take_output());
  client.give_input(receive_some(fd));
  client.advance();
  send_all(fd, client.take_output());
}

std::pair<int, int> make_pair() {
  int pair[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
  return {pair[0], pair[1]};
}

}  // namespace baton::net::test

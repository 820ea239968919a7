#include <array>
#include <utility>

#include "net/tls_session.hpp"

namespace baton::net {
namespace {

std::string subject_of(const X509* certificate) {
  const openssl::bio out{BIO_new(BIO_s_mem())};
  char* text = nullptr;
  if (X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) < 0)
    return {};
  const auto size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string fingerprint_of(const X509* certificate) {
  constexpr char digits[] = "0123456789abcdef";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) return {};
  std::string text;
  for (unsigned i = 0; i < size; ++i) {
    text.push_back(digits[digest[i] >> 4]);
    text.push_back(digits[digest[i] & 15]);
  }
  return text;
}

std::string_view view(const char* text) { return text == nullptr ? std::string_view{} : text; }

}  // namespace

const tls_info& tls_session::info() {
  if (details_ != nullptr) return details_->info;
  auto made = std::make_unique<details>();
  auto& info = made->info;
  auto* const ssl = ssl_.get();
  info.version = view(SSL_get_version(ssl));
  info.cipher = view(SSL_get_cipher_name(ssl));
  info.protocol = protocol();
  info.server_name = view(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
  info.resumed = resumed();
  if (const auto* const certificate = SSL_get0_peer_certificate(ssl)) {
    made->subject = subject_of(certificate);
    made->fingerprint = fingerprint_of(certificate);
    info.client_subject = made->subject;
    info.client_fingerprint = made->fingerprint;
  }
  ERR_clear_error();
  details_ = std::move(made);
  return details_->info;
}

std::string_view tls_session::protocol() const noexcept {
  const unsigned char* agreed = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &agreed, &size);
  return {reinterpret_cast<const char*>(agreed), size};
}

bool tls_session::resumed() const noexcept { return SSL_session_reused(ssl_.get()) == 1; }

std::string tls_session::failure() const {
  const auto verified = SSL_get_verify_result(ssl_.get());
  if (verified != X509_V_OK)
    return std::string{"client certificate refused: "} + X509_verify_cert_error_string(verified);
  return error_ != 0 ? openssl::describe(error_) : "the client left";
}

tls_session::~tls_session() = default;

void tls_session_deleter::operator()(tls_session* session) const noexcept { delete session; }

}  // namespace baton::net

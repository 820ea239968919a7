#include "tls_client.hpp"

#include <cstring>
#include <new>
#include <stdexcept>
#include <utility>
#include <vector>

namespace bench {
namespace {

/// A copy: OpenSSL spoils the session of a connection that is cut.
int keep_session(SSL* of, SSL_SESSION* session) {
  static_cast<tls_memory*>(SSL_get_app_data(of))->last.reset(SSL_SESSION_dup(session));
  return 0;
}

}  // namespace

tls_client::tls_client(const std::string& ca, std::string host)
    : context_{SSL_CTX_new(TLS_client_method())}, host_{std::move(host)} {
  if (context_ == nullptr) throw std::bad_alloc{};
  auto* const context = context_.get();
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // Else each record costs two recv(2), one of them for its header.
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, std::size_t{64} * 1024);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, keep_session);
  if (ca.empty()) return;
  if (SSL_CTX_load_verify_locations(context, ca.c_str(), nullptr) != 1)
    throw std::runtime_error{"no CA certificate can be read from " + ca};
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
}

tls_connection tls_client::make(int fd, const char* alpn, bool tls12, tls_memory& memory) const {
  tls_connection made{SSL_new(context_.get())};
  if (made == nullptr || SSL_set_fd(made.get(), fd) != 1) throw std::bad_alloc{};
  SSL_set_app_data(made.get(), &memory);
  SSL_set_connect_state(made.get());
  SSL_set_tlsext_host_name(made.get(), host_.c_str());
  SSL_set1_host(made.get(), host_.c_str());
  if (tls12) SSL_set_max_proto_version(made.get(), TLS1_2_VERSION);
  const auto size = std::strlen(alpn);
  std::vector<unsigned char> wire{static_cast<unsigned char>(size)};
  wire.insert(wire.end(), alpn, alpn + size);
  SSL_set_alpn_protos(made.get(), wire.data(), static_cast<unsigned>(wire.size()));
  if (memory.last != nullptr) SSL_set_session(made.get(), memory.last.get());
  return made;
}

}  // namespace bench

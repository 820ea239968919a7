#include "line.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

namespace bench {
namespace {

[[noreturn]] void fail(const std::string& what) {
  const auto code = ERR_get_error();
  ERR_clear_error();
  const char* const reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  throw std::runtime_error{what + ": " + (reason != nullptr ? reason : std::strerror(errno))};
}

}  // namespace

tls_context make_context(std::string_view version) {
  tls_context made{SSL_CTX_new(TLS_client_method())};
  if (made == nullptr) fail("a TLS context");
  SSL_CTX_set_session_cache_mode(made.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(made.get(), SSL_MODE_RELEASE_BUFFERS);
  // Servers choose differently among several, and each would be measured with its own.
  if (SSL_CTX_set_ciphersuites(made.get(), "TLS_AES_128_GCM_SHA256") != 1 ||
      SSL_CTX_set_cipher_list(made.get(), "ECDHE-ECDSA-AES128-GCM-SHA256") != 1)
    fail("the ciphers");
  if (!version.empty()) {
    const int number = version == "1.2" ? TLS1_2_VERSION : TLS1_3_VERSION;
    SSL_CTX_set_min_proto_version(made.get(), number);
    SSL_CTX_set_max_proto_version(made.get(), number);
  }
  return made;
}

line::line(const destination& to)
    : fd_{::socket(to.bytes.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
  const int on = 1;
  if (fd_ < 0) fail("socket");
  if (to.bytes.ss_family != AF_UNIX) ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to.bytes), to.length) == 0) return;
  ::close(fd_);
  fail("connect");
}

line::line(const destination& to, SSL_CTX& context, std::string_view protocol, SSL_SESSION* ticket)
    : line{to} {
  tls_.reset(SSL_new(&context));
  if (tls_ == nullptr || SSL_set_fd(tls_.get(), fd_) != 1) fail("a TLS connection");
  SSL_set_tlsext_host_name(tls_.get(), "localhost");
  if (!protocol.empty()) {
    const auto list = static_cast<char>(protocol.size()) + std::string{protocol};
    SSL_set_alpn_protos(tls_.get(), reinterpret_cast<const unsigned char*>(list.data()),
                        static_cast<unsigned>(list.size()));
  }
  if (ticket != nullptr) SSL_set_session(tls_.get(), ticket);
  if (SSL_connect(tls_.get()) != 1) fail("handshake");
}

line::line(line&& from) noexcept : fd_{std::exchange(from.fd_, -1)}, tls_{std::move(from.tls_)} {}

line::~line() {
  if (fd_ >= 0) ::close(fd_);
}

void line::write(std::string_view bytes) {
  while (!bytes.empty()) {
    std::size_t sent = 0;
    if (tls_ != nullptr) {
      if (SSL_write_ex(tls_.get(), bytes.data(), bytes.size(), &sent) != 1) fail("send");
    } else {
      const auto went = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (went < 0) fail("send");
      sent = static_cast<std::size_t>(went);
    }
    bytes.remove_prefix(sent);
  }
}

std::string_view line::read(std::span<char> into) {
  std::size_t got = 0;
  errno = ECONNRESET;  // for an end that says nothing else
  if (tls_ != nullptr) {
    if (SSL_read_ex(tls_.get(), into.data(), into.size(), &got) != 1) fail("receive");
  } else {
    const auto came = ::recv(fd_, into.data(), into.size(), 0);
    if (came <= 0) fail("receive");
    got = static_cast<std::size_t>(came);
  }
  return {into.data(), got};
}

bool line::quiet() const noexcept {
  pollfd look{fd_, POLLIN, 0};
  return ::poll(&look, 1, 0) == 0;
}

void line::end() noexcept {
  if (tls_ != nullptr) SSL_shutdown(tls_.get());
  ERR_clear_error();
}

}  // namespace bench

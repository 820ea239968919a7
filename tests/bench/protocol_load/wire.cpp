#include "wire.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace bench {
namespace {

std::array<char, 64 * 1024>& buffer() {
  static std::array<char, 64 * 1024> bytes;
  return bytes;
}

wire_end connect_end(int error) {
  if (error == ECONNREFUSED) return wire_end::refused;
  return error == ECONNRESET ? wire_end::reset_while_connecting : wire_end::not_connected;
}

}  // namespace

void wire::open(const route& to, tls_memory& memory) {
  const auto family = to.to.bytes.ss_family;
  fd_ = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  stage_ = stage::connecting;
  if (fd_ < 0) return end(wire_end::no_socket);
  if (family != AF_UNIX) {
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  const int status = ::connect(fd_, reinterpret_cast<const sockaddr*>(&to.to.bytes), to.to.length);
  if (status != 0 && errno != EINPROGRESS) return end(connect_end(errno));
  if (to.tls != nullptr) {
    offered_ = memory.last != nullptr;
    ssl_ = to.tls->make(fd_, to.alpn, to.tls12, memory);
  }
  want_write(true);
}

void wire::on_ready(std::uint32_t events) {
  if (stage_ == stage::connecting) return connected();
  if (stage_ == stage::shaking) return shake();
  if (stage_ == stage::open && wants_write_ && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0)
    write();
  if (stage_ == stage::open && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) read();
}

void wire::connected() {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return end(connect_end(error));
  if (ssl_ != nullptr) {
    stage_ = stage::shaking;
    return shake();
  }
  stage_ = stage::open;
  want_write(false);
  user_.on_open(*this);
}

void wire::shake() {
  ERR_clear_error();
  const int outcome = SSL_do_handshake(ssl_.get());
  if (outcome == 1) {
    stage_ = stage::open;
    want_write(false);
    user_.on_open(*this);
    if (stage_ == stage::open) read();  // what OpenSSL has read already no poller reports
    return;
  }
  const int error = SSL_get_error(ssl_.get(), outcome);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
    return want_write(error == SSL_ERROR_WANT_WRITE);
  const auto how = tls_end(error);
  end(how == wire_end::tls_failed ? how : wire_end::reset_while_connecting);
}

/// What an error of OpenSSL says about the connection's end.
wire_end wire::tls_end(int error) const {
  if (error == SSL_ERROR_ZERO_RETURN) return wire_end::orderly;
  if (error == SSL_ERROR_SYSCALL)
    return errno == ECONNRESET || errno == EPIPE ? wire_end::reset : wire_end::cut;
  if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) return wire_end::cut;
  return wire_end::tls_failed;
}

/// What one recv(2) brought, in the clear and under TLS alike; then the others get their turn. A
/// server that answers faster than this client asks would keep it here for ever, and counted in
/// records a turn under TLS would be so short that this connection looked late.
void wire::read() {
  if (ssl_ == nullptr) return read_clear();
  // No poller reports what OpenSSL has received already.
  while (stage_ == stage::open && read_tls() && SSL_has_pending(ssl_.get()) == 1) continue;
  if (stage_ == stage::open) user_.on_read_up(*this);
}

/// Whether a record was there.
bool wire::read_tls() {
  auto& into = buffer();
  ERR_clear_error();
  errno = 0;
  const int got = SSL_read(ssl_.get(), into.data(), static_cast<int>(into.size()));
  if (got > 0) {
    user_.on_bytes(*this, into.data(), into.data() + got);
    return true;
  }
  const int error = SSL_get_error(ssl_.get(), got);
  if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) end(tls_end(error));
  return false;
}

void wire::read_clear() {
  auto& into = buffer();
  const auto got = ::recv(fd_, into.data(), into.size(), 0);
  if (got == 0) return end(wire_end::orderly);
  if (got < 0) {
    if (errno != EAGAIN && errno != EINTR) end(wire_end::reset);
    return;
  }
  user_.on_bytes(*this, into.data(), into.data() + got);
  if (stage_ == stage::open) user_.on_read_up(*this);
}

void wire::send(std::string_view bytes) {
  if (stage_ == stage::closed || deaf_) return;
  unsent_ += bytes;
  if (stage_ == stage::open && !wants_write_) write();
}

void wire::write() {
  std::size_t at = 0;
  bool full = false;
  while (at < unsent_.size() && !full && !deaf_) {
    const std::string_view rest = std::string_view{unsent_}.substr(at);
    if (ssl_ != nullptr) {
      ERR_clear_error();
      errno = 0;
      const int sent = SSL_write(ssl_.get(), rest.data(), static_cast<int>(rest.size()));
      const int error = SSL_get_error(ssl_.get(), sent);
      full = sent <= 0 && (error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ);
      deaf_ = sent <= 0 && !full;
      if (deaf_ && errno == ECONNRESET) reset_ = true;
      if (sent > 0) at += static_cast<std::size_t>(sent);
      continue;
    }
    const auto sent = ::send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
    full = sent < 0 && (errno == EAGAIN || errno == EINTR);
    deaf_ = sent < 0 && !full;
    if (deaf_ && errno == ECONNRESET) reset_ = true;
    if (sent > 0) at += static_cast<std::size_t>(sent);
  }
  // How it ended is what reading tells.
  unsent_.erase(0, deaf_ ? std::string::npos : at);
  want_write(!unsent_.empty());
}

void wire::want_write(bool wanted) {
  if (watched_ && wanted == wants_write_) return;
  loop_.watch(fd_, wanted, *this, watched_);
  watched_ = true;
  wants_write_ = wanted;
}

void wire::end(wire_end how) {
  // The error was given to whoever wrote; the reader sees an end without it.
  if (reset_ && (how == wire_end::orderly || how == wire_end::cut)) how = wire_end::reset;
  if (how != wire_end::orderly) deaf_ = true;
  close();
  user_.on_end(*this, how);
}

void wire::close() {
  if (stage_ == stage::closed) return;
  if (stage_ == stage::open && ssl_ != nullptr && !deaf_) {
    ERR_clear_error();
    (void)SSL_shutdown(ssl_.get());
  }
  stage_ = stage::closed;
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

std::string_view wire::alpn() const noexcept {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  if (ssl_ != nullptr) SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

}  // namespace bench

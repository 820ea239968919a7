#include "net/tls_session.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include "baton/net/loop.hpp"
#include "net/plaintext.hpp"
#include "net/tls_snapshot.hpp"
#include "net/tls_workspace.hpp"

namespace baton::net {
namespace {

/// Plaintext made into records before they are sent: a body of 64 KiB with its header in one
/// send(2), and all of it still in the processor's cache.
constexpr std::size_t gathered = std::size_t{128} * 1024;
/// What may wait: those records, and what OpenSSL has to answer meanwhile. A client that makes it
/// answer ever more, and reads none of it, is not worth the memory.
constexpr std::size_t most_waiting = 2 * gathered;

/// Whoever used OpenSSL on this thread may have left errors, and SSL_get_error believes them.
/// Looking is several times cheaper than clearing a list that is empty.
void forget_others_errors() noexcept {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

}  // namespace

tls_session_ptr tls_session::make(loop& on, std::shared_ptr<const tls_snapshot> with) noexcept {
  try {
    auto& work = on.tls();
    openssl::connection ssl{SSL_new(with->context())};
    auto bio = work.make_bio();
    if (ssl == nullptr || bio == nullptr) {
      ERR_clear_error();
      return nullptr;
    }
    SSL_set_bio(ssl.get(), bio.get(), bio.get());
    static_cast<void>(bio.release());
    SSL_set_accept_state(ssl.get());
    return tls_session_ptr{new tls_session{work, std::move(with), std::move(ssl)}};
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

tls_session::tls_session(tls_workspace& work, std::shared_ptr<const tls_snapshot> with,
                         openssl::connection ssl) noexcept
    : work_{work}, with_{std::move(with)}, ssl_{std::move(ssl)} {}

ssize_t tls_session::receive(int fd, std::span<char> into) noexcept {
  if (peer_ended_) return 0;
  if (broken_) return end_of_input();
  const auto raw = work_.raw();
  const auto got = ::recv(fd, raw.data(), raw.size(), 0);
  if (got < 0) return -1;
  if (got == 0) return end_of_input();
  return receive(fd, raw.first(static_cast<std::size_t>(got)), into);
}

/// An end without close_notify may be somebody's who cut the connection: no message is complete
/// by it.
ssize_t tls_session::end_of_input() noexcept {
  if (peer_ended_) return 0;
  broken_ = true;
  errno = ECONNRESET;
  return -1;
}

ssize_t tls_session::receive(int fd, std::span<const char> raw, std::span<char> into) noexcept {
  assert(into.size() >= loop::buffer_size && "what is decrypted must fit");
  forget_others_errors();
  if (!release_held()) return end_of_input();
  work_.input = raw;
  std::size_t filled = 0;
  while (filled < into.size()) {
    std::size_t got = 0;
    const int outcome = SSL_read_ex(ssl_.get(), into.data() + filled, into.size() - filled, &got);
    if (outcome != 1) {
      note_failure(outcome);
      break;
    }
    filled += got;
    if (work_.input.empty() && SSL_pending(ssl_.get()) == 0) break;
  }
  work_.input = {};
  const bool shaking = !established_;
  if (shaking && SSL_is_init_finished(ssl_.get()) == 1 && !finish_handshake()) filled = 0;
  // Behind a handshake that a request came with there are only tickets to send.
  const bool only_tickets =
      shaking && established_ && filled != 0 && SSL_version(ssl_.get()) >= TLS1_3_VERSION;
  // Else what is left of the handshake, an alert, or the answer to a KeyUpdate.
  if (!work_.output().empty() && !(only_tickets && hold_output()) && !send_output(fd))
    broken_ = true;
  if (filled != 0) {
    // The end is reported by the next call; the descriptor must be ready for it.
    if (peer_ended_ || broken_) (void)::shutdown(fd, SHUT_RD);
    return static_cast<ssize_t>(filled);
  }
  if (peer_ended_ || broken_) return end_of_input();
  errno = EAGAIN;
  return -1;
}

/// Lets go of what only the handshake needed. False if the client has not shown the certificate
/// that it must have: nobody relies on tickets alone to speak for it.
bool tls_session::finish_handshake() noexcept {
  SSL_set_tlsext_status_ocsp_resp(ssl_.get(), nullptr, 0);
  const bool required = (SSL_get_verify_mode(ssl_.get()) & SSL_VERIFY_FAIL_IF_NO_PEER_CERT) != 0;
  established_ = !required || SSL_get0_peer_certificate(ssl_.get()) != nullptr;
  if (established_) return true;
  broken_ = true;
  error_ = ERR_PACK(ERR_LIB_SSL, 0, SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE);
  return false;
}

/// Keeps the tickets for the first answer: one send(2) less. False without the memory for it.
bool tls_session::hold_output() noexcept {
  try {
    held_ = std::make_unique<std::string>(work_.output().data(), work_.output().size());
  } catch (const std::bad_alloc&) {
    return false;
  }
  work_.clear_output();
  return true;
}

/// What comes now is to be sent at once, behind what was held. False without the memory for it.
bool tls_session::release_held() noexcept {
  if (held_ == nullptr) return true;
  const auto held = std::exchange(held_, nullptr);
  try {
    work_.append_output(held->data(), held->size());
  } catch (const std::bad_alloc&) {
    broken_ = true;  // no peer takes records with a gap
  }
  return !broken_;
}

void tls_session::note_failure(int outcome) noexcept {
  switch (SSL_get_error(ssl_.get(), outcome)) {
    case SSL_ERROR_WANT_READ:
      return;
    case SSL_ERROR_ZERO_RETURN:
      peer_ended_ = true;
      return;
    default:
      broken_ = true;
      error_ = ERR_peek_error();
      ERR_clear_error();
  }
}

ssize_t tls_session::send(int fd, const iovec* parts, int count) noexcept {
  if (broken_) {
    errno = EPIPE;
    return -1;
  }
  if (waiting_ != nullptr) {
    if (!send_waiting(fd)) return -1;
    if (waiting_ != nullptr && count != 0) {
      errno = EAGAIN;
      return -1;
    }
  }
  plaintext left{parts, count};
  std::size_t taken = 0;
  forget_others_errors();
  if (!left.empty() && !release_held()) {
    errno = ENOMEM;
    return -1;
  }
  while (!left.empty() && waiting_ == nullptr && taken < largest_send) {
    const auto encrypted = encrypt(left, std::min(gathered, largest_send - taken));
    if (encrypted == 0 || !send_output(fd)) {
      broken_ = true;
      return -1;
    }
    taken += encrypted;
  }
  return static_cast<ssize_t>(taken);
}

/// Makes records of `budget` bytes at most; 0: it failed, with errno.
std::size_t tls_session::encrypt(plaintext& from, std::size_t budget) noexcept {
  std::size_t taken = 0;
  while (!from.empty() && taken < budget) {
    auto piece = from.front();
    const bool as_it_is = from.last() || piece.size() >= tls_workspace::record_size;
    if (as_it_is) {
      auto size = std::min(piece.size(), budget - taken);
      // The rest, less than a record, goes with the next part.
      if (!from.last() && size > tls_workspace::record_size)
        size -= size % tls_workspace::record_size;
      piece = piece.first(size);
    } else {
      piece =
          from.gather(work_.staging().first(std::min(budget - taken, tls_workspace::record_size)));
    }
    std::size_t written = 0;
    const int outcome = SSL_write_ex(ssl_.get(), piece.data(), piece.size(), &written);
    if (outcome != 1) {
      note_failure(outcome);
      work_.clear_output();
      errno = EPIPE;
      return 0;
    }
    if (as_it_is) from.advance(piece.size());
    taken += piece.size();
  }
  return taken;
}

/// Sends what OpenSSL has made; what does not fit waits. False if the peer is gone, with errno.
bool tls_session::send_output(int fd, int flags) noexcept {
  auto rest = work_.output();
  work_.clear_output();
  if (waiting_ == nullptr) {
    const auto sent = ::send(fd, rest.data(), rest.size(), MSG_NOSIGNAL | flags);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
    if (sent > 0) rest = rest.subspan(static_cast<std::size_t>(sent));
    if (rest.empty()) return true;
  }
  try {
    if (waiting_ == nullptr) waiting_ = std::make_unique<records>();
    if (waiting_->bytes.size() - waiting_->sent + rest.size() > most_waiting) {
      errno = ENOBUFS;
      return false;
    }
    // A client that never lets it run empty must not make it grow.
    if (waiting_->sent > waiting_->bytes.size() / 2)
      waiting_->bytes.erase(0, std::exchange(waiting_->sent, 0));
    waiting_->bytes.append(rest.data(), rest.size());
  } catch (const std::bad_alloc&) {
    errno = ENOMEM;
    return false;
  }
  return true;
}

/// False if the peer is gone, with errno.
bool tls_session::send_waiting(int fd) noexcept {
  const auto rest = std::span<const char>{waiting_->bytes}.subspan(waiting_->sent);
  const auto sent = ::send(fd, rest.data(), rest.size(), MSG_NOSIGNAL);
  if (sent < 0) {
    if (errno == EAGAIN || errno == EINTR) return true;
    broken_ = true;
    return false;
  }
  waiting_->sent += static_cast<std::size_t>(sent);
  if (waiting_->sent != waiting_->bytes.size()) return true;
  waiting_.reset();
  if (end_when_sent_) (void)::shutdown(fd, SHUT_WR);
  return true;
}

void tls_session::say_end(int fd) noexcept {
  if (broken_ || !established_) return;
  forget_others_errors();
  static_cast<void>(release_held());
  // What it returns says whether the peer has sent its own; we do not wait for it here.
  (void)SSL_shutdown(ssl_.get());
  // The end of the output follows: both in one segment.
  if (!work_.output().empty() && !send_output(fd, MSG_MORE)) broken_ = true;
}

bool tls_session::end_output(int fd) noexcept {
  say_end(fd);
  if (waiting_ != nullptr && !broken_) {
    end_when_sent_ = true;
    return true;
  }
  return ::shutdown(fd, SHUT_WR) == 0;
}

}  // namespace baton::net

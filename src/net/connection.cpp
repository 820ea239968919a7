#include "baton/net/connection.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "net/tls_session.hpp"

namespace baton::net {

connection::connection(accepted&& from) noexcept
    : slot_{std::move(from.slot)},
      fd_{std::move(from.fd)},
      peer_{std::move(from.peer)},
      from_{from.from},
      tls_{std::move(from.tls)},
      early_{std::move(from.early)},
      direct_{tls_ == nullptr && early_ == nullptr},
      drained_{from.drained} {}

connection::connection(connection&&) noexcept = default;
connection::~connection() = default;

ssize_t connection::receive_indirectly(std::span<char> into) noexcept {
  if (early_ != nullptr) {
    const auto size = std::min(early_->size(), into.size());
    std::memcpy(into.data(), early_->data(), size);
    early_->erase(0, size);
    if (early_->empty()) early_.reset();
    direct_ = tls_ == nullptr && early_ == nullptr;
    if (size != 0) return static_cast<ssize_t>(size);
  }
  if (tls_ != nullptr) return tls_->receive(fd_.get(), into);
  return ::recv(fd_.get(), into.data(), into.size(), 0);
}

ssize_t connection::send_clear(const iovec* parts, int count) noexcept {
  if (count == 1) [[likely]] {
    return ::send(fd_.get(), parts->iov_base, parts->iov_len, MSG_NOSIGNAL);
  }
  if (count == 0) return 0;
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts);
  message.msg_iovlen = static_cast<std::size_t>(count);
  return ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
}

ssize_t connection::send_under_tls(const iovec* parts, int count) noexcept {
  return tls_->send(fd_.get(), parts, count);
}

std::size_t connection::waiting_records() const noexcept { return tls_->unsent(); }

bool connection::end_output() noexcept {
  if (tls_ != nullptr) return tls_->end_output(fd_.get());
  return ::shutdown(fd_.get(), SHUT_WR) == 0;
}

void connection::answer_end() noexcept {
  if (tls_ != nullptr) tls_->say_end(fd_.get());
}

void connection::reset_on_close() noexcept {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  (void)::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

std::string_view connection::protocol() const noexcept {
  return tls_ != nullptr ? tls_->protocol() : std::string_view{};
}

const tls_info* connection::security() const noexcept {
  return tls_ != nullptr ? &tls_->info() : nullptr;
}

bool connection::input_waits() const noexcept {
  if (early_ != nullptr) return true;
  char byte;
  return ::recv(fd_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

}  // namespace baton::net

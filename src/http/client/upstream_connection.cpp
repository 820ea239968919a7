#include "http/client/upstream_connection.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <boost/asio/error.hpp>
#include <cerrno>
#include <memory>
#include <utility>

#include "http/client/upstream_pool.hpp"

namespace baton::http::client {
namespace {

// Reads in a row of one connection that has more than the buffer holds.
constexpr int most_reads = 4;
constexpr std::size_t kept_capacity = std::size_t{64} * 1024;

}  // namespace

upstream_connection::~upstream_connection() = default;

error_code upstream_connection::connect() {
  const auto& target = pool_.target();
  const int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  fd_ = unique_fd{::socket(target.domain(), type, 0)};
  if (!fd_) return last_system_error();
  if (target.is_tcp()) {
    const int on = 1;
    if (::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
      return last_system_error();
  }
  give_up_ = std::chrono::steady_clock::now() + pool_.options().connect_timeout;
  return try_connect();
}

error_code upstream_connection::try_connect() {
  auto& loop = pool_.loop();
  const auto& target = pool_.target();
  if (::connect(fd_.get(), target.data(), target.size()) != 0) {
    if (errno == EAGAIN) {  // a unix socket whose backlog is full: only time helps
      loop.timers().arm(*this, net::timer_wheel::tick);
      return {};
    }
    if (errno != EINPROGRESS && errno != EINTR) return last_system_error();
  }
  events_ = EPOLLOUT;
  if (const auto failed = loop.poller().add(fd_.get(), events_, *this)) return failed;
  watched_ = true;
  loop.timers().arm(*this, pool_.options().connect_timeout);
  return {};
}

void upstream_connection::finish_connect() {
  int failure = 0;
  socklen_t size = sizeof failure;
  if (::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &failure, &size) != 0) failure = errno;
  if (failure != 0) return pool_.not_connected(*this, {failure, boost::system::system_category()});
  pool_.loop().timers().cancel(*this);
  pool_.connected(*this);
  watch();
}

void upstream_connection::on_deadline() {
  if (now_ == phase::resting) return pool_.drop(*this);
  if (now_ != phase::connecting) return;
  if (watched_ || std::chrono::steady_clock::now() >= give_up_)
    return pool_.not_connected(*this, boost::asio::error::timed_out);
  if (const auto failed = try_connect()) pool_.not_connected(*this, failed);
}

void upstream_connection::lend(upstream_user& to) noexcept {
  pool_.loop().timers().cancel(*this);
  user_ = &to;
  now_ = phase::lent;
  paused_ = false;
  ++lent_;
}

void upstream_connection::rest(std::chrono::milliseconds most) {
  user_ = nullptr;
  now_ = phase::resting;
  paused_ = false;
  rested_ = true;
  if (unsent_.capacity() > kept_capacity) std::string{}.swap(unsent_);
  pool_.loop().timers().arm(*this, most);
  watch();
}

std::size_t upstream_connection::transmit(iovec* parts, int count, error_code& failed) noexcept {
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = static_cast<std::size_t>(count);
  const auto went = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
  if (went >= 0) return static_cast<std::size_t>(went);
  if (errno != EAGAIN && errno != EINTR) failed = last_system_error();
  return 0;
}

error_code upstream_connection::send(iovec* parts, int count) {
  error_code failed;
  std::size_t went = 0;
  if (unsent() == 0) {
    went = transmit(parts, count, failed);
    if (failed) return failed;
  }
  for (int i = 0; i < count; ++i) {
    if (went >= parts[i].iov_len) {
      went -= parts[i].iov_len;
      continue;
    }
    unsent_.append(static_cast<const char*>(parts[i].iov_base) + went, parts[i].iov_len - went);
    went = 0;
  }
  if (unsent() != 0) watch();
  return {};
}

error_code upstream_connection::send(std::string_view bytes) {
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};  // sendmsg(2) only reads
  return send(&part, 1);
}

void upstream_connection::flush() {
  iovec part{unsent_.data() + sent_, unsent()};
  error_code failed;
  sent_ += transmit(&part, 1, failed);
  // What will not be taken any more does not wait: reading tells how it ended.
  if (!failed && unsent() != 0) return;
  unsent_.clear();
  sent_ = 0;
  if (ends_output_) ::shutdown(fd_.get(), SHUT_WR);
  watch();
  if (now_ == phase::lent) user_->on_sent();
}

void upstream_connection::end_output() {
  ends_output_ = true;
  if (unsent() == 0) ::shutdown(fd_.get(), SHUT_WR);
}

void upstream_connection::resume() {
  paused_ = false;
  watch();
}

/// EPOLLIN is only taken away when it fires and is not wanted; a hang-up cannot be.
void upstream_connection::watch() {
  if (now_ == phase::closed) return;
  const std::uint32_t wanted =
      (paused_ ? 0U : std::uint32_t{EPOLLIN}) | (unsent() != 0 ? std::uint32_t{EPOLLOUT} : 0U);
  auto& poller = pool_.loop().poller();
  error_code failed;
  if (!watched_) {
    if (wanted == 0) return;
    failed = poller.add(fd_.get(), wanted, *this);
    watched_ = !failed;
  } else if ((wanted & ~events_) != 0 || (events_ & ~wanted & EPOLLOUT) != 0) {
    failed = poller.modify(fd_.get(), wanted, *this);
  } else {
    return;
  }
  events_ = wanted;
  // Rare (ENOMEM, ENOSPC): nobody waits for what can never be told.
  if (failed) ::shutdown(fd_.get(), SHUT_RDWR);
}

void upstream_connection::on_ready(std::uint32_t events) {
  if (now_ == phase::connecting) return finish_connect();
  if (now_ == phase::resting) return pool_.drop(*this);
  if ((events & EPOLLOUT) != 0 && unsent() != 0) {
    const auto use = lent_;
    flush();
    if (now_ != phase::lent || lent_ != use) return;
  }
  if ((events & ~std::uint32_t{EPOLLOUT}) == 0) return;
  if (!paused_) return read();
  auto& poller = pool_.loop().poller();
  if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
    poller.remove(fd_.get(), *this);  // until somebody reads again
    watched_ = false;
    events_ = 0;
    return;
  }
  events_ &= ~std::uint32_t{EPOLLIN};
  if (const auto failed = poller.modify(fd_.get(), events_, *this)) end(failed);
}

/// Who has filled the loop's buffer is likely to have much more: the next reads take it with half
/// as many system calls, and wake the other side half as often.
std::span<char> upstream_connection::buffer() {
  return fills_buffer_ ? pool_.large_buffer() : pool_.loop().read_buffer();
}

void upstream_connection::read() {
  const auto use = lent_;
  for (int i = 0; i < most_reads; ++i) {
    const auto into = buffer();
    const auto got = ::recv(fd_.get(), into.data(), into.size(), 0);
    if (got == 0 && half_close_) {
      paused_ = true;
      return user_->on_end(boost::asio::error::eof);
    }
    if (got == 0) return end(boost::asio::error::eof);
    if (got < 0) {
      if (errno != EAGAIN && errno != EINTR) end(last_system_error());
      return;
    }
    const auto size = static_cast<std::size_t>(got);
    fills_buffer_ = size >= net::loop::buffer_size;
    user_->on_bytes({into.data(), size});
    if (size < into.size() || now_ != phase::lent || lent_ != use || paused_) return;
  }
}

void upstream_connection::end(error_code why) {
  auto* const user = std::exchange(user_, nullptr);
  pool_.drop(*this);
  if (user != nullptr) user->on_end(why);
}

void upstream_connection::close() noexcept {
  now_ = phase::closed;
  user_ = nullptr;
  pool_.loop().timers().cancel(*this);
  // Also if it is not registered: it may be at work.
  pool_.loop().poller().retire(std::unique_ptr<net::pollable>{this});
}

}  // namespace baton::http::client

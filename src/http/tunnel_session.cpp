#include "http/tunnel_session.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/error.hpp>
#include <cerrno>
#include <utility>

#include "baton/base/log.hpp"

namespace baton::http {
namespace {

constexpr std::size_t parts_at_once = 16;

iovec part_of(std::string_view bytes) noexcept {
  return {const_cast<char*>(bytes.data()), bytes.size()};  // sendmsg(2) only reads
}

}  // namespace

tunnel_session::tunnel_session(shard& of, net::connection&& connection,
                               std::shared_ptr<detail::tunnel_core> core)
    : shard_{of},
      connection_{std::move(connection)},
      tally_{of.ledger.of(connection_.from())},
      core_{std::move(core)} {
  shard_.sessions.enter(*this);
}

tunnel_session::~tunnel_session() = default;

/// The owner hears of what came behind the request in a turn of its own: he may not have the tunnel
/// in his hands yet.
void tunnel_session::begin(const beginning& with) {
  working_ = true;
  websocket_ = with.websocket;
  if (websocket_) tally_.websockets_opened.add();
  const bool over = core_->over();
  const auto early = core_->carried(*this);
  keep(with.unsent);
  iovec parts[] = {part_of(with.head), part_of(early)};
  auto sent = blocked() ? std::size_t{0} : transmit(parts, 2);
  for (auto each : {with.head, std::string_view{early}}) {
    const auto gone = std::min(sent, each.size());
    sent -= gone;
    keep(each.substr(gone));
  }
  if (!with.input.empty()) input_ = std::make_unique<std::string>(with.input);
  if (!early.empty() || input_ != nullptr || shard_.announced) core_->wake_soon();
  if (over) {
    core_->left();
    ending_ = ending::cut;
  }
  working_ = false;
  settle();
}

/// Does `work`, within which the owner may do anything with the tunnel, and what follows from it.
template <class Work>
void tunnel_session::turn(Work work) {
  shard_.busy = true;
  working_ = true;
  work();
  if (lost_ && ending_ == ending::none) {
    ending_ = ending::cut;
    core_->lose(boost::asio::error::connection_reset);
  }
  working_ = false;
  shard_.busy = false;
  settle();
}

void tunnel_session::on_ready(std::uint32_t events) {
  turn([&] {
    if ((events & EPOLLOUT) != 0 && blocked()) {
      send_waiting();
      if (!blocked() && !lost_) core_->emptied();
    }
    if (ending_ != ending::none || (events & ~std::uint32_t{EPOLLOUT}) == 0) return;
    if (wants_read()) return read_some();
    if ((events & EPOLLERR) != 0 || ((events & EPOLLHUP) != 0 && client_ended_)) {
      lost_ = true;
    } else if ((events & EPOLLHUP) != 0) {
      stop_watching();  // it would be reported for ever; there is more to read all the same
    } else {
      events_ &= ~std::uint32_t{EPOLLIN};
      if (shard_.on.poller().modify(connection_.fd(), events_, *this)) lost_ = true;
    }
  });
}

void tunnel_session::read_some() {
  const auto buffer = shard_.on.read_buffer();
  const auto got = connection_.receive(buffer);
  if (got > 0) [[likely]] {
    shard_.received(tally_, static_cast<std::size_t>(got));
    return core_->bytes(buffer.first(static_cast<std::size_t>(got)));
  }
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got < 0) {
    lost_ = true;
    return;
  }
  client_ended_ = true;
  core_->client_ended();
}

void tunnel_session::take_kept() {
  if (input_ == nullptr || core_->paused()) return;
  const auto input = std::exchange(input_, nullptr);
  core_->bytes(*input);
}

void tunnel_session::on_wake() {
  if (ending_ != ending::none) return;
  turn([this] {
    if (lost_) return;
    take_kept();
    if (ending_ == ending::none && !blocked()) core_->emptied();
    if (ending_ == ending::none && shard_.announced) core_->drain();
  });
}

// --- output

std::size_t tunnel_session::waiting() const noexcept {
  return (queue_ != nullptr ? queue_->size() : 0) + connection_.unsent();
}

/// One system call; how many bytes went. That the client is gone is told in a turn of its own.
std::size_t tunnel_session::transmit(iovec* parts, int count) {
  if (lost_) return 0;
  const auto sent = connection_.send(parts, count);
  if (sent >= 0) {
    shard_.sent(tally_, static_cast<std::size_t>(sent));
    if (sent > 0) progressed_ = true;
    return static_cast<std::size_t>(sent);
  }
  if (errno != EAGAIN && errno != EINTR) lose_soon();
  return 0;
}

void tunnel_session::lose_soon() {
  lost_ = true;
  core_->wake_soon();
}

void tunnel_session::keep(std::string_view bytes) {
  if (bytes.empty() || lost_) return;
  if (queue_ == nullptr) queue_ = std::make_unique<send_queue>();
  queue_->append(bytes);
}

std::size_t tunnel_session::write(std::string_view bytes) {
  auto part = part_of(bytes);
  const auto sent = blocked() ? std::size_t{0} : transmit(&part, 1);
  keep(bytes.substr(sent));
  if (!working_ && blocked()) {
    arm();
    watch();
  }
  return ending_ == ending::closed ? 0 : waiting();
}

void tunnel_session::send_waiting() {
  const auto records = connection_.unsent();
  if (queue_ == nullptr) {
    static_cast<void>(transmit(nullptr, 0));  // records that wait under TLS
    if (connection_.unsent() != records) progressed_ = true;
    return;
  }
  while (!queue_->empty()) {
    iovec parts[parts_at_once];
    const auto count = queue_->front(parts, parts_at_once);
    const auto sent = transmit(parts, static_cast<int>(count));
    if (connection_.unsent() != records) progressed_ = true;
    if (sent == 0) return;
    queue_->consume(sent);
  }
  queue_.reset();
}

// --- waiting and ending

void tunnel_session::resume() {
  if (input_ != nullptr) core_->wake_soon();
  if (!working_) watch();
}

void tunnel_session::end_output() {
  if (!working_) settle();
}

void tunnel_session::cut() {
  if (ending_ == ending::none) ending_ = ending::cut;
  if (!working_) settle();
}

/// Tells the owner nothing: this may be a call of his.
void tunnel_session::settle() {
  if (ending_ == ending::closed) return;
  if (ending_ == ending::cut) connection_.reset_on_close();
  if (ending_ != ending::none) return close();
  if (core_->ended() && !blocked() && !std::exchange(shut_, true) && !connection_.end_output())
    lose_soon();
  if (lost_) return;
  if (shut_ && client_ended_ && !blocked()) return close();
  arm();
  watch();
}

/// Only what waits for the client has a deadline.
void tunnel_session::arm() {
  auto& timers = shard_.on.timers();
  if (!blocked()) return timers.cancel(*this);
  if (!armed() || std::exchange(progressed_, false)) timers.arm(*this, shard_.limits.write_timeout);
}

/// EPOLLIN is only taken away when it fires and is not wanted.
void tunnel_session::watch() {
  const std::uint32_t wanted =
      (wants_read() ? std::uint32_t{EPOLLIN} : 0U) | (blocked() ? std::uint32_t{EPOLLOUT} : 0U);
  error_code failed;
  if (!watched_) {
    if (wanted == 0 && events_ != 0) return;  // stop_watching
    watched_ = true;
    failed = shard_.on.poller().take_over(connection_.fd(), wanted, *this);
  } else if ((wanted & ~events_) != 0 || (events_ & ~wanted & EPOLLOUT) != 0) {
    failed = shard_.on.poller().modify(connection_.fd(), wanted, *this);
  } else {
    return;
  }
  events_ = wanted;
  if (!failed) return;
  log_error("http: a tunnel's connection cannot be polled: " + failed.message());
  lose_soon();
}

void tunnel_session::stop_watching() {
  shard_.on.poller().remove(connection_.fd(), *this);
  watched_ = false;
  events_ = EPOLLHUP;
}

void tunnel_session::on_deadline() {
  shard_.on.count().deadlines.add();
  turn([this] {
    ending_ = ending::cut;
    core_->lose(boost::asio::error::timed_out);
  });
}

void tunnel_session::announce() {
  if (ending_ == ending::none) turn([this] { core_->drain(); });
}

void tunnel_session::drop(error_code reason) {
  static_cast<void>(reason);  // the server logs it once, for all
  if (ending_ == ending::closed) return;
  shard_.on.count().dropped.add();
  turn([this] {
    ending_ = ending::dropped;
    core_->lose(boost::asio::error::operation_aborted);
  });
}

void tunnel_session::close() {
  ending_ = ending::closed;
  core_->left();
  if (websocket_) tally_.websockets_closed.add();
  shard_.on.timers().cancel(*this);
  shard_.sessions.leave(*this);
  shard_.on.count().closed.add();
  shard_.on.poller().retire(std::unique_ptr<net::pollable>{this});
}

}  // namespace baton::http

#include "http/session.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <boost/asio/error.hpp>
#include <cerrno>

#include "baton/base/log.hpp"
#include "http/link.hpp"

namespace baton::http {
namespace {

// What a client may send behind the last answer before we stop to be patient.
constexpr std::uint32_t max_discarded = std::uint32_t{64} * 1024 * 1024;

}  // namespace

session::session(shard& of, net::connection&& connection)
    : shard_{of}, connection_{std::move(connection)}, tally_{of.ledger.of(connection_.from())} {
  shard_.sessions.enter(*this);
  // Whoever comes while we leave (its introduction took until now) is told in its first answer.
  if (shard_.announced) told_ = shard_.drains;
}

session::~session() = default;

bool session::start() {
  if (connection_.drained()) {
    settle();
  } else {
    read_some();
  }
  starting_ = false;
  return watched_;
}

void session::on_ready(std::uint32_t events) {
  if (lingering_) return discard_input();
  if ((events & (EPOLLHUP | EPOLLERR)) != 0 && !wants_read()) return close();
  if ((events & EPOLLOUT) != 0 && blocked()) {
    send_carry();
    if (closed_) return;
    if (!blocked()) resume();
    if (closed_ || lingering_) return;
    settle();
  }
  if ((events & ~std::uint32_t{EPOLLOUT}) == 0) return;
  if (wants_read()) return read_some();
  const bool hears = hears_leaving();
  if (hears && (events & EPOLLRDHUP) != 0) return close();
  const auto unwanted = hears ? std::uint32_t{EPOLLIN} : std::uint32_t{EPOLLIN | EPOLLRDHUP};
  if ((events_ & unwanted) == 0) return;
  events_ &= ~unwanted;
  if (shard_.on.poller().modify(connection_.fd(), events_, *this)) close();
}

void session::read_some() {
  const auto buffer = shard_.on.read_buffer();
  const auto got = connection_.receive(buffer);
  if (got > 0) [[likely]] {
    shard_.received(tally_, static_cast<std::size_t>(got));
    return process({buffer.data(), static_cast<std::size_t>(got)});
  }
  if (got < 0 && errno != EAGAIN && errno != EINTR) return close();
  if (got == 0) {
    peer_done_ = true;
    if (exchange_ != nullptr && exchange_->link != nullptr && !exchange_->engine.complete()) {
      exchange_->link->end_body(boost::asio::error::connection_reset);
      exchange_->link->deliver();
    }
  }
  settle();
}

/// Does all that `input` allows, sends all answers at once, and keeps what must wait.
void session::process(std::string_view input) {
  shard_.busy = true;
  if (requests_ != 0 || !becomes_http2(input)) [[likely]] {
    while (!closed_ && advance(input)) {
    }
  }
  shard_.busy = false;
  if (!closed_) flush();
  if (closed_) return shard_.out.clear();
  if (exchange_ != nullptr && exchange_->now != http1_exchange::stage::head)
    request_builder{exchange_->request}.keep_head();
  if (!input.empty()) {
    if (ending_) {
      polite_ = false;  // there is more than the client announced
    } else {
      carried().input.assign(input);
    }
  }
  settle();
}

/// Goes on with what was kept.
void session::resume() {
  std::string input;
  if (carry_ != nullptr) input.swap(carry_->input);
  process(input);
}

void session::settle() {
  if (closed_ || lingering_) return;
  if (carry_ != nullptr && carry_->input.empty() && !blocked()) carry_.reset();
  if (!blocked()) {
    if (ending_) return polite_ ? part() : linger();
    if (peer_done_ && (exchange_ == nullptr || exchange_->link == nullptr)) return part();
    if (shard_.closing && requests_ != 0 && idle() && !input_waits()) return linger();
  }
  arm();
  watch();
}

session::waits session::awaited() const noexcept {
  if (lingering_) return waits::linger;
  if (blocked()) return waits::write;
  if (exchange_ == nullptr) return requests_ == 0 ? waits::first : waits::idle;
  switch (exchange_->now) {
    case http1_exchange::stage::head:
      return waits::header;
    case http1_exchange::stage::collect:
    case http1_exchange::stage::discard:
      return waits::body;
    case http1_exchange::stage::waiting:
    case http1_exchange::stage::stream:
      break;
  }
  return !exchange_->engine.complete() && exchange_->link->wants_body() ? waits::body
                                                                        : waits::nothing;
}

/// How long the body of this request may stay silent; 0: for ever.
std::chrono::milliseconds session::body_patience() const noexcept {
  const auto* const route = exchange_ != nullptr ? exchange_->route : nullptr;
  const auto own = route != nullptr ? route->options.body_timeout : std::nullopt;
  return own.value_or(shard_.limits.body_timeout);
}

void session::arm() {
  const auto now = awaited();
  if (now == waits_ && !renew_) return;
  const auto before = std::exchange(waits_, now);
  const bool renewed = std::exchange(renew_, false);
  // The first request's time runs from the accept.
  if (before == waits::first && now == waits::header && !renewed) return;
  auto& timers = shard_.on.timers();
  const auto& limits = shard_.limits;
  switch (now) {
    case waits::nothing:
      return timers.cancel(*this);
    case waits::first:
    case waits::header:
      return timers.arm(*this, limits.header_timeout);
    case waits::idle:
      return timers.arm(*this, limits.idle_timeout);
    case waits::body:
      if (const auto patience = body_patience(); patience.count() != 0)
        return timers.arm(*this, patience);
      return timers.cancel(*this);
    case waits::write:
      return timers.arm(*this, limits.write_timeout);
    case waits::linger:
      return timers.arm(*this, limits.linger_timeout);
  }
}

bool session::wants_read() const noexcept {
  if (lingering_) return true;
  if (ending_ || peer_done_ || carry_ != nullptr) return false;
  if (exchange_ == nullptr || exchange_->link == nullptr) return true;
  return !exchange_->engine.complete() && exchange_->link->wants_body();
}

/// A client that ends its side has left, though it may not have closed the connection.
bool session::hears_leaving() const noexcept {
  return exchange_ != nullptr && exchange_->link != nullptr && exchange_->engine.complete() &&
         exchange_->route != nullptr && exchange_->route->options.cancel_at_half_close;
}

bool session::input_waits() const noexcept {
  return carry_ != nullptr || connection_.input_waits();
}

/// EPOLLIN and EPOLLRDHUP are only taken away when they fire and are not wanted: most answers come
/// before that.
void session::watch() {
  const std::uint32_t wanted = (wants_read()      ? std::uint32_t{EPOLLIN | EPOLLRDHUP}
                                : hears_leaving() ? std::uint32_t{EPOLLRDHUP}
                                                  : 0U) |
                               (blocked() ? std::uint32_t{EPOLLOUT} : 0U);
  error_code failed;
  if (!watched_) {
    watched_ = true;
    failed = shard_.on.poller().take_over(connection_.fd(), wanted, *this);
  } else if ((wanted & ~events_) != 0 || (events_ & ~wanted & EPOLLOUT) != 0) {
    failed = shard_.on.poller().modify(connection_.fd(), wanted, *this);
  } else {
    return;
  }
  events_ = wanted;
  if (!failed) return;
  log_error("http: a connection cannot be polled: " + failed.message());
  close();
}

void session::on_deadline() {
  shard_.on.count().deadlines.add();
  switch (std::exchange(waits_, waits::nothing)) {
    case waits::header:
    case waits::body:
      if (exchange_->now == http1_exchange::stage::stream) return close();
      if (exchange_->link != nullptr) exchange_->link->end_body(boost::asio::error::timed_out);
      shard_.busy = true;
      refuse(engine::too_slow);
      shard_.busy = false;
      return process({});
    case waits::idle:
      return retire_politely();
    default:
      return close();
  }
}

/// For a connection without open work: what is on its way already is served, never reset.
void session::retire_politely() {
  const auto before = requests_;
  read_some();
  if (!closed_ && !lingering_ && requests_ == before && idle()) linger();
}

void session::announce() {
  told_ = shard_.drains;
  if (exchange_ != nullptr && exchange_->link != nullptr) exchange_->link->drain();
}

void session::close_when_idle() {
  if (!lingering_ && idle() && !ending_) retire_politely();
}

void session::drop(error_code reason) {
  static_cast<void>(reason);                         // the server logs it once, for all
  if (!lingering_) shard_.on.count().dropped.add();  // its work was done
  if (exchange_ != nullptr && exchange_->now == http1_exchange::stage::stream &&
      exchange_->link != nullptr)
    std::shared_ptr { exchange_->link } -> last_words();
  if (owes_answer()) {
    shard_.busy = true;
    refuse(engine::leaving);
    shard_.busy = false;
    if (!closed_) flush();
    shard_.out.clear();
  }
  close();
}

/// Whether a request came in whose answer has not begun.
bool session::owes_answer() const noexcept {
  if (closed_ || lingering_ || ending_ || blocked() || exchange_ == nullptr) return false;
  return exchange_->now == http1_exchange::stage::waiting ||
         exchange_->now == http1_exchange::stage::collect;
}

/// The client sends nothing more, so a close cannot reset what it has yet to read. Under TLS it
/// must hear that this is the end (RFC 8446 section 6.1), and its own close_notify may still come.
void session::part() {
  if (connection_.secure()) return linger();
  close();
}

/// Ends our side and reads on until the client has ended its own (RFC 9112 section 9.6).
void session::linger() {
  if (peer_done_) {
    connection_.answer_end();
    return close();
  }
  if (!connection_.end_output()) return close();
  lingering_ = true;
  carry_.reset();
  arm();
  watch();
}

void session::discard_input() {
  // A close_notify that met a full socket.
  if (connection_.unsent() != 0 && connection_.send(nullptr, 0) < 0) return close();
  const auto buffer = shard_.on.read_buffer();
  const auto got = connection_.receive(buffer);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return watch();
  if (got <= 0) return close();
  discarded_ += static_cast<std::uint32_t>(got);
  if (discarded_ > max_discarded) close();
}

void session::close() {
  if (closed_) return;
  closed_ = true;
  shard_.on.timers().cancel(*this);
  shard_.sessions.leave(*this);
  shard_.on.count().closed.add();
  if (exchange_ != nullptr) {
    // What has no complete header is no request yet, unless it was refused.
    if (exchange_->now != http1_exchange::stage::head || exchange_->account.status != 0)
      shard_.ledger.end(*exchange_, tally_, false);
    if (const auto link = std::exchange(exchange_->link, nullptr)) {
      const bool open = !link->answered();
      link->detach(open ? std::move(exchange_) : nullptr, boost::asio::error::connection_reset);
    }
    if (exchange_ != nullptr) shard_.pool.give_back(std::move(exchange_));
  }
  carry_.reset();
  if (watched_ || !starting_) shard_.on.poller().retire(std::unique_ptr<net::pollable>{this});
}

}  // namespace baton::http

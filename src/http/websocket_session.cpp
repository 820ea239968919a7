#include "http/websocket_session.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "baton/base/log.hpp"
#include "http/request_builder.hpp"

namespace baton::http {
namespace {

// Output is sent before the turn ends if there is so much of it.
constexpr std::size_t much_output = std::size_t{64} * 1024;
// What a client may send behind its close frame before we stop to be patient.
constexpr std::uint32_t max_discarded = std::uint32_t{16} * 1024 * 1024;
constexpr std::size_t parts_at_once = 16;

iovec part_of(std::string_view bytes) noexcept {
  return {const_cast<char*>(bytes.data()), bytes.size()};  // sendmsg(2) only reads
}

}  // namespace

websocket_session::websocket_session(shard& of, net::connection&& connection,
                                     std::shared_ptr<websocket_core> core)
    : shard_{of},
      connection_{std::move(connection)},
      tally_{of.ledger.of(connection_.from())},
      core_{std::move(core)} {
  shard_.sessions.enter(*this);
}

websocket_session::~websocket_session() = default;

void websocket_session::begin(request& asked, const std::vector<std::string>& names,
                              std::span<char> input) {
  request_builder{asked}.origin(connection_, context());
  working_ = true;
  core_->open(*this, asked, names);
  // A client that comes while we leave is told so at once.
  if (shard_.announced && ending_ == ending::none) core_->announce();
  if (ending_ == ending::none) take(input);
  end_work();
}

/// Does `work` with the thread's buffers, then sends what came of it.
template <class Work>
void websocket_session::turn(Work work) {
  shard_.busy = true;
  working_ = true;
  // What was sent out of turn comes first.
  if (own_ != nullptr && !own_->empty()) {
    shard_.out.append(own_->view());
    own_->clear();
  }
  work();
  end_work();
  shard_.busy = false;
}

/// Sends what the turn brought.
void websocket_session::end_work() {
  if (ending_ != ending::cut && !shard_.out.empty()) send_out(shard_.out);
  shard_.out.clear();
  shard_.workshop.tidy();
  working_ = false;
  end_turn();
}

void websocket_session::on_ready(std::uint32_t events) {
  if (ending_ == ending::linger) return discard_input();
  if (ending_ == ending::finish) {
    if ((events & (EPOLLHUP | EPOLLERR)) != 0) return close();
    send_waiting();
    return end_turn();
  }
  turn([&] {
    if ((events & EPOLLOUT) != 0 && blocked()) {
      send_waiting();
      if (!lost_) core_->on_drained(waiting());
      if (ending_ == ending::none && input_ != nullptr) take_kept();
    }
    if (ending_ != ending::none) return;
    if ((events & ~std::uint32_t{EPOLLOUT}) == 0) return;
    if (wants_read() || lost_) {
      read_some();
    } else if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
      end(ending::cut);
      core_->on_lost();
    } else {
      // Asked for again when the client has taken what waits for it.
      events_ &= ~std::uint32_t{EPOLLIN};
      if (shard_.on.poller().modify(connection_.fd(), events_, *this)) end(ending::cut);
    }
  });
}

void websocket_session::read_some() {
  const auto buffer = shard_.on.read_buffer();
  const auto got = lost_ ? 0 : connection_.receive(buffer);
  if (got > 0) [[likely]] {
    shard_.received(tally_, static_cast<std::size_t>(got));
    return take({buffer.data(), static_cast<std::size_t>(got)});
  }
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  end(ending::cut);
  core_->on_lost();
}

void websocket_session::take(std::span<char> input) {
  const auto rest = input.subspan(core_->receive(input));
  if (rest.empty() || ending_ != ending::none) return;
  input_ = std::make_unique<std::string>(rest.data(), rest.size());
}

void websocket_session::take_kept() {
  if (!core_->wants_input()) return;
  const auto input = std::exchange(input_, nullptr);
  take(*input);
}

bool websocket_session::wants_read() const noexcept {
  return input_ == nullptr && core_->wants_input();
}

void websocket_session::end_turn() {
  if (listed_) {
    listed_ = false;
    shard_.flushes->leave(*this);
  }
  if (ending_ == ending::cut || ending_ == ending::closed) return close();
  flush_own();
  if (ending_ == ending::finish && (lost_ || !blocked())) return linger();
  if (ending_ == ending::finish) shard_.on.timers().arm(*this, shard_.limits.write_timeout);
  watch();
}

void websocket_session::end(ending how) {
  if (ending_ != ending::none && how != ending::cut) return;
  ending_ = how;
  if (!working_) wait_for_turn();
}

// --- output

output_buffer& websocket_session::own_output() {
  if (own_ == nullptr) own_ = std::make_unique<output_buffer>(shard_.flushes->lend());
  return *own_;
}

/// One system call; how many bytes went. A client that is gone is noticed in a turn of its own.
std::size_t websocket_session::send_parts(iovec* parts, int count) {
  if (lost_) return 0;
  const auto sent = connection_.send(parts, count);
  if (sent >= 0) {
    shard_.sent(tally_, static_cast<std::size_t>(sent));
    return static_cast<std::size_t>(sent);
  }
  if (errno == EAGAIN || errno == EINTR) return 0;
  lost_ = true;
  // Now the poller reports it, whatever it is asked to look for.
  static_cast<void>(::shutdown(connection_.fd(), SHUT_RDWR));
  return 0;
}

send_queue& websocket_session::kept() {
  if (queue_ == nullptr) queue_ = std::make_unique<send_queue>();
  return *queue_;
}

/// Sends what stands in `out`; what the client does not take waits.
void websocket_session::send_out(output_buffer& out) {
  std::size_t sent = 0;
  if (!blocked()) {
    auto part = part_of(out.view());
    sent = send_parts(&part, 1);
  }
  keep_rest(out, sent);
}

/// Sends what was given out of turn.
void websocket_session::flush_own() {
  if (own_ == nullptr) return;
  if (!own_->empty()) send_out(*own_);
  shard_.flushes->give_back(std::move(*own_));
  own_.reset();
}

void websocket_session::send_waiting() {
  if (queue_ == nullptr) {
    static_cast<void>(send_parts(nullptr, 0));  // records that wait under TLS
    return;
  }
  while (!queue_->empty()) {
    iovec parts[parts_at_once];
    const auto count = queue_->front(parts, parts_at_once);
    const auto sent = send_parts(parts, static_cast<int>(count));
    if (sent == 0) return;
    queue_->consume(sent);
  }
  queue_.reset();
}

std::size_t websocket_session::written() {
  if (blocked() || output().size() >= much_output) send_out(output());
  if (!working_) wait_for_turn();
  return waiting();
}

std::size_t websocket_session::written_with(std::string_view payload) {
  auto& out = output();
  std::size_t sent = 0;
  if (!blocked()) {
    iovec parts[] = {part_of(out.view()), part_of(payload)};
    sent = send_parts(parts, 2);
  }
  keep_rest(out, sent);
  if (sent < payload.size() && !lost_) kept().append(payload.substr(sent));
  if (!working_) wait_for_turn();
  return waiting();
}

std::size_t websocket_session::written_with(std::shared_ptr<const std::string> payload) {
  auto& out = output();
  std::size_t sent = 0;
  if (!blocked()) {
    iovec parts[] = {part_of(out.view()), part_of(*payload)};
    sent = send_parts(parts, 2);
  }
  keep_rest(out, sent);
  if (sent < payload->size() && !lost_) kept().append(std::move(payload), sent);
  if (!working_) wait_for_turn();
  return waiting();
}

/// `sent` bytes of `out` and what is behind it went: what is left of `out` waits, and `sent` is
/// then of what is behind.
void websocket_session::keep_rest(output_buffer& out, std::size_t& sent) {
  const auto of_out = std::min(sent, out.size());
  sent -= of_out;
  if (of_out < out.size() && !lost_) kept().append(out.view().substr(of_out));
  out.clear();
}

void websocket_session::wait_for_turn() {
  if (std::exchange(listed_, true)) return;
  shard_.flushes->enter(*this);
}

// --- waiting and ending

/// EPOLLIN is only taken away when it fires and is not wanted.
void websocket_session::watch() {
  const bool reads = ending_ == ending::none ? wants_read() : ending_ == ending::linger;
  const std::uint32_t wanted =
      (reads ? std::uint32_t{EPOLLIN} : 0U) | (blocked() ? std::uint32_t{EPOLLOUT} : 0U);
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
  log_error("websocket: a connection cannot be polled: " + failed.message());
  if (core_ != nullptr && ending_ == ending::none) core_->on_lost();
  close();
}

void websocket_session::on_deadline() {
  if (ending_ != ending::none) {
    shard_.on.count().deadlines.add();
    return close();
  }
  turn([this] { core_->on_deadline(); });
}

/// What the client has sent already is answered first: behind a close frame nothing is.
void websocket_session::announce() {
  if (ending_ != ending::none) return;
  turn([this] {
    if (wants_read()) read_some();
    if (ending_ == ending::none) core_->announce();
  });
}

void websocket_session::drop(error_code reason) {
  static_cast<void>(reason);                      // the server logs it once, for all
  if (ending_ == ending::linger) return close();  // its work was done
  shard_.on.count().dropped.add();
  if (ending_ == ending::none)
    turn([this] {
      core_->drop();
      if (!shard_.out.empty()) send_out(shard_.out);
      ending_ = ending::cut;
    });
  else
    close();
}

/// Ends our side and reads on until the client has ended its own (RFC 6455 section 7.1.1).
void websocket_session::linger() {
  if (lost_) {
    connection_.answer_end();
    return close();
  }
  if (!connection_.end_output()) return close();
  ending_ = ending::linger;
  core_.reset();
  input_.reset();
  shard_.on.timers().arm(*this, shard_.limits.linger_timeout);
  watch();
}

void websocket_session::discard_input() {
  // A close_notify that met a full socket.
  if (connection_.unsent() != 0 && connection_.send(nullptr, 0) < 0) return close();
  const auto got = connection_.receive(shard_.on.read_buffer());
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return watch();
  if (got <= 0) return close();
  discarded_ += static_cast<std::uint32_t>(got);
  if (discarded_ > max_discarded) close();
}

void websocket_session::close() {
  if (ending_ == ending::closed) return;
  ending_ = ending::closed;
  shard_.on.timers().cancel(*this);
  shard_.sessions.leave(*this);
  if (listed_) shard_.flushes->leave(*this);
  shard_.on.count().closed.add();
  core_.reset();
  shard_.on.poller().retire(std::unique_ptr<net::pollable>{this});
}

}  // namespace baton::http

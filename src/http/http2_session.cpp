#include "http/http2_session.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/error.hpp>
#include <cerrno>
#include <utility>

#include "baton/base/log.hpp"
#include "http/dispatch.hpp"
#include "http/http2_upgraded.hpp"
#include "http/link.hpp"
#include "http/request_builder.hpp"

namespace baton::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t collected_at_once = std::size_t{128} * 1024;
constexpr std::uint32_t max_discarded = std::uint32_t{16} * 1024 * 1024;
// Between the first GOAWAY and the final one: a round trip, and at least this long, for requests
// that are on their way; a client that does not answer the ping waits no longer than the second.
constexpr milliseconds goaway_least{300};
constexpr milliseconds goaway_most{2000};

// What GOAWAY says although nothing is wrong.
constexpr std::string_view server_leaves = "this server is leaving: connect again";
constexpr std::string_view old_enough = "this connection has served its time: connect again";
constexpr std::string_view no_first_request = "no request came in time";
constexpr std::string_view idle_too_long = "no request for too long";

}  // namespace

http2_session::http2_session(shard& of, net::connection&& connection)
    : shard_{of},
      connection_{std::move(connection)},
      tally_{of.ledger.of(connection_.from())},
      engine_{of.http2, *this},
      bodies_{of.limits.http2.max_collected_bytes},
      since_{clock::now()} {
  shard_.sessions.enter(*this);
}

http2_session::~http2_session() { engine_.close(); }

/// Does `work` with the thread's buffers, then sends what came of it.
template <class Work>
void http2_session::turn(Work work) {
  shard_.busy = true;
  working_ = true;
  work();
  pump();
  working_ = false;
  settle();
  shard_.busy = false;
}

void http2_session::start() {
  turn([this] {
    if (shard_.announced) announce();
    if (!connection_.drained()) read_some();
  });
}

void http2_session::begin(std::string_view input) {
  working_ = true;
  if (!input.empty()) feed(input);
  if (shard_.announced) announce();
  pump();
  working_ = false;
  settle();
}

void http2_session::begin_upgraded(const request& first, std::string_view settings,
                                   std::string_view input) {
  working_ = true;
  auto& made = static_cast<http2_exchange&>(open());
  request_builder{made.exchange::request}.copy_of(first);
  if (!engine_.upgrade(made, settings)) {
    failed_ = true;  // checked before: only a bug, or no memory, comes here
  } else {
    upgraded_ = &made;
  }
  begin(input);
}

void http2_session::on_ready(std::uint32_t events) {
  if (ending_ == ending::linger) return discard_input();
  turn([&] {
    if ((events & EPOLLOUT) != 0 && blocked()) send_kept();
    if ((events & ~std::uint32_t{EPOLLOUT}) != 0 && !lost_) read_some();
  });
}

void http2_session::read_some() {
  const auto buffer = shard_.on.read_buffer();
  const auto got = connection_.receive(buffer);
  if (got > 0) [[likely]] {
    shard_.received(tally_, static_cast<std::size_t>(got));
    return feed({buffer.data(), static_cast<std::size_t>(got)});
  }
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  lost_ = true;  // a client that has ended its side can ask for nothing, nor open windows
}

void http2_session::feed(std::string_view input) {
  const auto now = clock::now();
  heard(now);
  engine_.feed(input, now);
  // Not before the client has spoken HTTP/2: some bear little behind a 101.
  if (auto* const first = std::exchange(upgraded_, nullptr); first != nullptr && !failed_) {
    dispatch(*first);
    end(*first);
  }
}

void http2_session::flush_now() {
  listed_ = false;
  turn([] {});
}

void http2_session::send_soon() {
  if (working_ || std::exchange(listed_, true)) return;
  shard_.flushes->enter(*this);
}

/// Collects and sends as long as the client takes all of it.
void http2_session::pump() {
  while (!lost_ && !blocked() && engine_.wants_write()) {
    const auto before = shard_.out.size();
    engine_.collect(shard_.out, collected_at_once, clock::now());
    if (shard_.out.size() == before) break;
    send_out();
  }
  if (!lost_ && !shard_.out.empty()) send_out();  // a 101, or behind what waits
  shard_.out.clear();
}

void http2_session::send_out() {
  const auto bytes = shard_.out.view();
  std::size_t went = 0;
  if (!blocked()) {
    const iovec part{const_cast<char*>(bytes.data()), bytes.size()};  // sendmsg(2) only reads
    const auto sent = connection_.send(&part, 1);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) lost_ = true;
    if (sent > 0) went = static_cast<std::size_t>(sent);
    shard_.sent(tally_, went);
  }
  if (went < bytes.size() && !lost_) {
    if (kept_ == nullptr) kept_ = std::make_unique<std::string>();
    kept_->append(bytes.substr(went));
  }
  shard_.out.clear();
}

void http2_session::send_kept() {
  const auto rest =
      kept_ != nullptr ? std::string_view{*kept_}.substr(kept_sent_) : std::string_view{};
  const iovec part{const_cast<char*>(rest.data()), rest.size()};
  const auto records = connection_.unsent();
  const auto sent = connection_.send(&part, rest.empty() ? 0 : 1);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) lost_ = true;
  if (sent > 0 || connection_.unsent() != records) since_ = clock::now();
  if (sent <= 0) return;
  shard_.sent(tally_, static_cast<std::size_t>(sent));
  kept_sent_ += static_cast<std::size_t>(sent);
  if (kept_sent_ != kept_->size()) return;
  kept_.reset();
  kept_sent_ = 0;
}

void http2_session::settle() {
  if (ending_ == ending::closed) return;
  if (lost_) {
    connection_.answer_end();
    return close();
  }
  if (!blocked() && (failed_ || engine_.over())) return linger();
  arm();
  watch();
}

/// The next thing that may not take for ever.
void http2_session::arm() {
  const bool is_blocked = blocked();
  const bool in_header = engine_.reading_header();
  const bool idle = streams_.empty() && !in_header;
  if (idle != was_idle_ || in_header != was_in_header_ || is_blocked != was_blocked_)
    since_ = clock::now();
  was_idle_ = idle;
  was_in_header_ = in_header;
  const auto& limits = shard_.limits;
  const auto now = clock::now();
  if (std::exchange(was_blocked_, is_blocked) && !is_blocked) quiet_since_ = now;  // it reads
  // What depends on single streams is looked at each second.
  auto due = is_blocked  ? since_ + limits.write_timeout
             : in_header ? since_ + limits.header_timeout
             : idle      ? since_ + (requests_ == 0 ? limits.header_timeout : limits.idle_timeout)
                         : now + seconds{1};
  if (!idle) due = std::min(due, now + seconds{1});
  if (ending_ == ending::held) due = std::min(due, told_ + goaway_least);
  if (ending_ == ending::notified)
    due = std::min(due, told_ + (now - told_ < goaway_least ? goaway_least : goaway_most));
  due = std::min(due, life_due());
  // Whatever happens meanwhile, an earlier look is not put off.
  if (armed() && due_ <= due) return;
  due_ = due;
  shard_.on.timers().arm(*this,
                         std::max(std::chrono::ceil<milliseconds>(due - now), milliseconds{1}));
}

void http2_session::on_deadline() {
  if (ending_ == ending::linger) return close();
  const auto now = clock::now();
  const auto& limits = shard_.limits;
  if (blocked() && now - since_ >= limits.write_timeout) {
    shard_.on.count().deadlines.add();
    return close();
  }
  if (silent(now)) {
    turn([this] { read_some(); });  // what came while this loop was late counts
    if (ending_ == ending::closed || ending_ == ending::linger) return;
    if (silent(now) && !catches_up(now)) {
      shard_.on.count().deadlines.add();
      return close();
    }
  }
  if (outstayed(now)) return drop(boost::asio::error::timed_out);
  turn([&] {
    const auto idle_for = requests_ == 0 ? limits.header_timeout : limits.idle_timeout;
    if (engine_.reading_header() && now - since_ >= limits.header_timeout) {
      shard_.on.count().deadlines.add();
      engine_.terminate(engine::http2_error::enhance_your_calm, "a header took too long");
    } else if (was_idle_ && streams_.empty() && now - since_ >= idle_for) {
      shard_.on.count().deadlines.add();
      last_goaway(requests_ == 0 ? no_first_request : idle_too_long);
    }
    if (ending_ == ending::held && now - told_ >= goaway_least) notify();
    if (ending_ == ending::notified &&
        (now - told_ >= goaway_most || (ponged_ && now - told_ >= goaway_least)))
      last_goaway(farewell());
    probe(now);
    grow_old(now);
    time_out_bodies(now);
    if (const auto stalled = engine_.stalled_since();
        stalled && now - *stalled >= limits.write_timeout) {
      shard_.on.count().deadlines.add();
      engine_.reset_stalled(now - limits.write_timeout);
    }
  });
}

void http2_session::watch() {
  const std::uint32_t wanted = std::uint32_t{EPOLLIN} | (blocked() ? std::uint32_t{EPOLLOUT} : 0U);
  error_code failed;
  if (!watched_) {
    watched_ = true;
    failed = shard_.on.poller().take_over(connection_.fd(), wanted, *this);
  } else if (wanted != events_) {
    failed = shard_.on.poller().modify(connection_.fd(), wanted, *this);
  }
  events_ = wanted;
  if (!failed) return;
  log_error("http2: a connection cannot be polled: " + failed.message());
  close();
}

// --- the end

/// GOAWAY twice (RFC 9113 section 6.8): what is on its way is still served. Who is so new that his
/// first request has yet to come is told behind it, or soon: some clients give up a request that
/// they have not sent when they read GOAWAY, and all that this one did was to connect.
void http2_session::announce() {
  if (ending_ != ending::none) return;
  ending_ = ending::held;
  told_ = clock::now();
  if (working_) return is_new() ? void() : notify();
  turn([&] {
    read_some();  // of WebSockets: behind their close frames nothing is answered
    if (!lost_ && !failed_ && !is_new()) notify();
  });
}

void http2_session::notify() {
  if (ending_ != ending::held) return;
  ending_ = ending::notified;
  told_ = clock::now();
  engine_.shutdown_notice(farewell());
  early_ping_ = engine_.pinging();
  engine_.ping();
  for (auto* each : streams_) {
    if (each->tunnel != nullptr) each->tunnel->announce();
    if (each->link != nullptr) each->link->drain();
  }
}

void http2_session::last_goaway(std::string_view why) {
  ending_ = ending::goaway;
  engine_.goaway(why);
}

std::string_view http2_session::farewell() const noexcept {
  return aged_ ? old_enough : server_leaves;
}

void http2_session::pong() {
  if (ending_ != ending::notified) return;
  if (std::exchange(early_ping_, false)) return engine_.ping();
  ponged_ = true;
  if (clock::now() - told_ >= goaway_least) last_goaway(farewell());
}

void http2_session::close_when_idle() {
  if (ending_ == ending::none) announce();
}

void http2_session::drop(error_code reason) {
  static_cast<void>(reason);  // the server logs it once, for all
  if (ending_ == ending::linger) return close();
  shard_.on.count().dropped.add();
  shard_.busy = true;
  working_ = true;
  // An answer may close its stream at once.
  const auto open = streams_;
  for (auto* each : open) {
    if (std::find(streams_.begin(), streams_.end(), each) == streams_.end()) continue;
    if (each->tunnel != nullptr) {
      each->tunnel->drop();
    } else if (!each->answered()) {
      respond(*each, refusal_answer(each->route, each->exchange::request, engine::leaving.status,
                                    engine::leaving.reason));
    } else if (each->link != nullptr) {
      each->link->last_words();
    }
  }
  engine_.goaway(server_leaves);
  pump();
  // Behind the answer: some clients do not take it while their request goes on, and the end of the
  // connection would be all they hear (RFC 9113 section 8.1).
  for (auto* each : streams_)
    if (each->finished() && !each->complete()) engine_.reset(*each, engine::http2_error::no_error);
  pump();
  working_ = false;
  shard_.busy = false;
  discard_unread();
  close();
}

/// What the client sent and nobody read would make the close a reset, and that may overtake what
/// was sent last.
void http2_session::discard_unread() {
  if (lost_ || !connection_.end_output()) return;
  constexpr int most = 64;  // a client that goes on sending has its reset
  for (int reads = 0; reads < most; ++reads)
    if (connection_.receive(shard_.on.read_buffer()) <= 0) return;
}

/// Ends our side and reads on until the client has ended its own, so that no reset overtakes what
/// was sent.
void http2_session::linger() {
  if (!connection_.end_output()) return close();
  ending_ = ending::linger;
  engine_.close();
  shard_.on.timers().arm(*this, shard_.limits.linger_timeout);
  watch();
}

void http2_session::discard_input() {
  // A close_notify that met a full socket.
  if (connection_.unsent() != 0 && connection_.send(nullptr, 0) < 0) return close();
  const auto got = connection_.receive(shard_.on.read_buffer());
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return watch();
  if (got <= 0) return close();
  discarded_ += static_cast<std::uint32_t>(got);
  if (discarded_ > max_discarded) close();
}

void http2_session::close() {
  if (ending_ == ending::closed) return;
  ending_ = ending::closed;
  engine_.close();
  shard_.on.timers().cancel(*this);
  shard_.sessions.leave(*this);
  if (listed_) shard_.flushes->leave(*this);
  shard_.on.count().closed.add();
  shard_.on.poller().retire(std::unique_ptr<net::pollable>{this});
}

}  // namespace baton::http

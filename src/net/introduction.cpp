#include "net/introduction.hpp"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "baton/base/log.hpp"
#include "net/proxy_protocol.hpp"
#include "net/tls_session.hpp"
#include "net/tls_snapshot.hpp"
#include "net/tls_workspace.hpp"

namespace baton::net {
namespace {

/// The type of a TLS record that carries a handshake (RFC 8446 section 5.1): nobody else begins so.
constexpr char handshake_record = 0x16;
/// A peer that was refused is given this long to read why, and may send this much meanwhile:
/// closing with bytes unread would reset the connection, and the reason with it.
constexpr std::chrono::milliseconds leave_timeout{1000};
constexpr std::uint32_t most_discarded = std::uint32_t{256} * 1024;

constexpr std::string_view clear_refusal =
    "HTTP/1.1 400 Bad Request\r\n"
    "Content-Type: text/plain\r\n"
    "Content-Length: 47\r\n"
    "Connection: close\r\n\r\n"
    "This port speaks TLS: use https:// (or wss://).";

}  // namespace

introduction_terms introduction_terms::of(const listener_options& options, const tls_context* tls) {
  introduction_terms terms;
  terms.tls = tls;
  terms.policy = options.policy;
  for (const auto& each : options.proxy_from) terms.proxies.push_back(network::parse(each));
  return terms;
}

introductions::introductions(loop& on, const introduction_terms& terms, accept_handler pass_on)
    : loop_{on}, terms_{terms}, pass_on_{std::move(pass_on)} {}

introductions::~introductions() { open_.drop(error_code{}); }

void introductions::take(accepted connection) {
  introduction::begin(std::make_unique<introduction>(*this, std::move(connection)));
}

const std::shared_ptr<const tls_snapshot>& introductions::tls() {
  const auto version = terms_.tls->version();
  if (tls_ == nullptr || version != tls_version_) [[unlikely]] {
    tls_ = terms_.tls->current();
    tls_version_ = version;
  }
  return tls_;
}

std::chrono::milliseconds introductions::timeout() {
  return terms_.tls == nullptr ? terms_.timeout : tls()->options().handshake_timeout;
}

void introductions::report(const accepted& of, std::string_view why) {
  if (!allowance_.allows(log_allowance::clock::now())) return;
  const auto withheld = allowance_.take_withheld();
  const auto peer = of.peer.to_string();
  log_info(fmt::format("a connection from {} on {} was refused: {}{}", peer, of.from->name(), why,
                       withheld == 0 ? "" : fmt::format(" (and {} others meanwhile)", withheld)),
           {{"event", "introduction_failed"}, {"peer", peer}, {"listener", of.from->name()}});
}

introduction::introduction(introductions& with, accepted&& connection)
    : with_{with}, connection_{std::move(connection)} {
  stage_ = any_contains(with_.terms_.proxies, connection_.peer) ? stage::header : stage::greeting;
  with_.open_.enter(*this);
}

// Once it is over, what it was with may be gone already.
introduction::~introduction() {
  if (stage_ != stage::over) with_.open_.leave(*this);
}

void introduction::begin(std::unique_ptr<introduction> self) {
  auto& here = *self;
  // Without TLS there is nothing to ask a stranger.
  if (here.stage_ == stage::greeting && here.with_.terms_.tls == nullptr) return here.pass_on({});
  here.timeout_ = here.with_.timeout();
  here.with_.loop_.timers().arm(here, here.timeout_);
  here.read();
  // Watched, or over.
  if (here.events_ != 0 && here.stage_ != stage::over) static_cast<void>(self.release());
}

void introduction::on_ready(std::uint32_t events) {
  if (stage_ == stage::leaving) return discard();
  if ((events & EPOLLOUT) != 0 && connection_.tls != nullptr && connection_.tls->unsent() != 0 &&
      connection_.tls->send(connection_.fd.get(), nullptr, 0) < 0) {
    refuse(connection_.tls->failure());
    return close();
  }
  read();
}

void introduction::read() {
  auto raw = with_.loop_.tls().raw();
  // With what came before it, it must still be one input of a TLS session.
  if (header_ != nullptr) raw = raw.first(raw.size() - header_->size());
  const auto got = ::recv(connection_.fd.get(), raw.data(), raw.size(), 0);
  drained_ = got > 0 && static_cast<std::size_t>(got) < raw.size();
  if (got > 0) return take({raw.data(), static_cast<std::size_t>(got)});
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return watch();
  // Who connects and leaves without a word (a health check, a scanner) is not worth one either.
  if (!silent()) refuse(got == 0 ? "it ended in the middle" : describe_errno(errno));
  close();
}

void introduction::take(std::string_view bytes) {
  switch (stage_) {
    case stage::header:
      return take_header(bytes);
    case stage::greeting:
      return take_greeting(bytes);
    case stage::shaking:
      return shake(bytes);
    case stage::leaving:
    case stage::over:
      return;
  }
}

void introduction::take_header(std::string_view bytes) {
  const auto whole = header_ == nullptr ? nullptr : std::move(header_);
  if (whole != nullptr) bytes = whole->append(bytes);
  const auto header = proxy_protocol::parse(bytes);
  switch (header.outcome) {
    case proxy_protocol::outcome::need_more:
      header_ = std::make_unique<std::string>(bytes);
      return watch();
    case proxy_protocol::outcome::refused:
      refuse(fmt::format("the PROXY header of this proxy cannot be used: {}", header.why));
      return close();
    case proxy_protocol::outcome::done:
      break;
  }
  if (header.client) connection_.peer = *header.client;
  stage_ = stage::greeting;
  bytes.remove_prefix(header.size);
  if (with_.terms_.tls == nullptr) return pass_on(bytes);
  if (bytes.empty()) return drained_ ? watch() : read();
  take_greeting(bytes);
}

void introduction::take_greeting(std::string_view bytes) {
  if (bytes.front() != handshake_record) {
    if (with_.terms_.policy == tls_policy::tls_or_clear) return pass_on(bytes);
    return refuse_clear(bytes);
  }
  connection_.tls = tls_session::make(with_.loop_, with_.tls());
  if (connection_.tls == nullptr) {
    refuse("out of memory");
    return close();
  }
  stage_ = stage::shaking;
  shake(bytes);
}

void introduction::shake(std::string_view bytes) {
  const auto early = with_.loop_.read_buffer();
  auto& tls = *connection_.tls;
  const auto got = tls.receive(connection_.fd.get(), bytes, early);
  if (got > 0) return pass_on({early.data(), static_cast<std::size_t>(got)});
  const bool later = got < 0 && errno == EAGAIN;
  // A client that ends right behind its handshake is the service's as well, which must read the
  // end: nothing else tells it.
  if (got == 0) drained_ = false;
  if (tls.established() && (later || got == 0)) return pass_on({});
  if (later) return watch();
  refuse(tls.failure());
  leave();
}

void introduction::watch() {
  const bool unsent = connection_.tls != nullptr && connection_.tls->unsent() != 0;
  const std::uint32_t wanted = EPOLLIN | (unsent ? std::uint32_t{EPOLLOUT} : 0U);
  if (wanted == events_) return;
  auto& poller = with_.loop_.poller();
  const auto failed = events_ == 0 ? poller.add(connection_.fd.get(), wanted, *this)
                                   : poller.modify(connection_.fd.get(), wanted, *this);
  if (failed) {
    log_error("a connection cannot be polled: " + failed.message());
    return close();
  }
  events_ = wanted;
}

void introduction::pass_on(std::string_view early) {
  auto& loop = with_.loop_;
  auto& pass_on = with_.pass_on_;
  if (connection_.tls != nullptr) {
    loop.count().tls_handshakes.add();
    if (connection_.tls->resumed()) loop.count().tls_resumed.add();
  }
  if (!early.empty()) connection_.early = std::make_unique<std::string>(early);
  connection_.drained = drained_;
  const bool watched = events_ != 0;
  const poller::handover watch{loop.poller(), connection_.fd.get(), events_, *this};
  auto connection = std::move(connection_);
  stage_ = stage::over;
  loop.timers().cancel(*this);
  with_.open_.leave(*this);
  if (watched) loop.poller().retire(std::unique_ptr<pollable>{this});
  pass_on(std::move(connection));
}

void introduction::refuse(std::string_view why) {
  if (stage_ != stage::header) with_.loop_.count().tls_failures.add();
  with_.report(connection_, why);
}

void introduction::refuse_clear(std::string_view bytes) {
  if (proxy_protocol::begins(bytes)) {
    refuse("it sent a PROXY header that is not expected; see listener_options::proxy_from");
    return close();
  }
  if (bytes.front() < 'A' || bytes.front() > 'Z') {
    refuse("its first byte begins no TLS handshake");
    return close();
  }
  refuse("it speaks HTTP in the clear, and this listener takes TLS only");
  (void)::send(connection_.fd.get(), clear_refusal.data(), clear_refusal.size(), MSG_NOSIGNAL);
  leave();
}

/// Ends our side behind what was said (an alert, an answer) and waits for the peer to end its own.
void introduction::leave() {
  stage_ = stage::leaving;
  connection_.tls.reset();
  if (::shutdown(connection_.fd.get(), SHUT_WR) != 0) return close();
  with_.loop_.timers().arm(*this, leave_timeout);
  discard();
}

void introduction::discard() {
  const auto raw = with_.loop_.tls().raw();
  const auto got = ::recv(connection_.fd.get(), raw.data(), raw.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return watch();
  if (got <= 0) return close();
  discarded_ += static_cast<std::uint32_t>(got);
  if (discarded_ > most_discarded) return close();
  watch();
}

void introduction::close_when_idle() {
  if (!silent()) return;
  // What is on its way already is served.
  read();
  if (silent()) close();
}

/// Whether nothing has come yet.
bool introduction::silent() const noexcept {
  return stage_ == stage::greeting || (stage_ == stage::header && header_ == nullptr);
}

void introduction::drop(error_code) {
  if (stage_ != stage::leaving) with_.loop_.count().dropped.add();
  close();
}

void introduction::on_deadline() {
  if (stage_ == stage::leaving) return close();
  with_.loop_.count().deadlines.add();
  if (stage_ == stage::shaking) with_.loop_.count().tls_failures.add();
  if (!silent())
    with_.report(connection_,
                 fmt::format("it took longer than {} ms to introduce itself", timeout_.count()));
  close();
}

void introduction::close() {
  if (stage_ == stage::over) return;
  stage_ = stage::over;
  auto& loop = with_.loop_;
  loop.timers().cancel(*this);
  with_.open_.leave(*this);
  loop.count().closed.add();
  if (events_ != 0) loop.poller().retire(std::unique_ptr<pollable>{this});
}

}  // namespace baton::net

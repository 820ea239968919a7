#include <algorithm>
#include <boost/asio/error.hpp>
#include <string>
#include <utility>

#include "http/dispatch.hpp"
#include "http/engine/websocket_handshake.hpp"
#include "http/http2_session.hpp"
#include "http/session.hpp"
#include "http/tunnel_core.hpp"
#include "http/tunnel_session.hpp"
#include "http/websocket_core.hpp"
#include "http/websocket_route.hpp"
#include "http/websocket_session.hpp"

namespace baton::http {
namespace {

/// Whether HTTP2-Settings holds the payload of a SETTINGS frame, in base64url.
bool valid_settings(std::string_view text) noexcept {
  const auto letter = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_';
  };
  constexpr std::size_t setting = 6;
  return !text.empty() && text.size() % 4 != 1 && text.size() * 3 / 4 % setting == 0 &&
         std::all_of(text.begin(), text.end(), letter);
}

}  // namespace

/// The connection becomes a WebSocket, or the client is told why not.
void session::open_websocket(std::string_view& input) {
  auto& now = *exchange_;
  const auto& route = *now.route->websocket;
  const auto agreed = engine::accept_upgrade(now.request, route.options);
  if (agreed.refused || !now.engine.complete()) {
    auto answer = agreed.refused ? plain_answer(agreed.refused->status, agreed.refused->reason)
                                 : plain_answer(400, "a WebSocket's request has no body");
    for (const auto& [name, value] : engine::refusal_fields(agreed))
      response_writer::add_unchecked(answer, name, value);
    if (now.engine.complete() || now.engine.expects_continue())
      return respond(std::move(answer), !input.empty());
    now.verdict = std::move(answer);
    now.now = http1_exchange::stage::discard;
    return;
  }
  auto& out = shard_.out;
  out.append("HTTP/1.1 101 Switching Protocols\r\n");
  for (const auto& [name, value] : engine::acceptance_fields(agreed)) {
    out.append(name);
    out.append(": ");
    out.append(value);
    out.append("\r\n");
  }
  out.append("\r\n");
  shard_.on.count().requests.add();
  shard_.ledger.answered(now, tally_, 101);
  shard_.ledger.end(now, tally_, true);
  auto asked = std::move(exchange_);
  auto core = std::make_shared<websocket_core>(route, agreed, shard_.workshop, shard_.on.context());
  // Its poller's from now on.
  auto* const socket = new websocket_session{shard_, give_up(), std::move(core)};
  // The bytes stand in the thread's buffer, or in what was kept of them: nobody else's.
  socket->begin(asked->request, asked->route->names,
                {const_cast<char*>(input.data()), input.size()});
  input = {};
  shard_.pool.give_back(std::move(asked));
}

/// Whether the client wants one of the protocols that the route may switch to. A body would stand
/// between the request and the other protocol's bytes: then it is served as if it had not asked
/// (RFC 9110 section 7.8).
void session::note_upgrade() {
  auto& now = *exchange_;
  if (!now.engine.asks_upgrade() || !now.engine.complete() || now.request.version() < 11) return;
  if (const auto wanted = wanted_protocol(now.request, now.route->options.upgrades);
      !wanted.empty())
    request_builder{now.request}.upgrade(wanted);
}

/// What the handler wanted while it ran.
void session::open_ordered_tunnel(std::string_view& input) {
  if (closed_ || exchange_ == nullptr || exchange_->link == nullptr) return;
  if (const auto order = exchange_->link->take_tunnel())
    become_tunnel(order->head, order->core, input);
}

void session::open_tunnel(const response& head, std::shared_ptr<detail::tunnel_core> core) {
  std::string input;
  if (carry_ != nullptr) input.swap(carry_->input);
  std::string_view rest{input};
  shard_.busy = true;
  become_tunnel(head, std::move(core), rest);
  shard_.busy = false;
}

/// The connection carries raw bytes from now on, behind the 101.
void session::become_tunnel(const response& head, std::shared_ptr<detail::tunnel_core> core,
                            std::string_view& input) {
  auto& now = *exchange_;
  const auto protocol = now.request.upgrade();
  auto& out = shard_.out;
  for (const auto part :
       {std::string_view{"HTTP/1.1 101 Switching Protocols\r\n"}, response_writer::type_line(head),
        response_writer::field_lines(head), std::string_view{"Connection: Upgrade\r\n"}})
    out.append(part);
  if (head.header("Upgrade").empty())
    for (const auto part : {std::string_view{"Upgrade: "}, protocol, std::string_view{"\r\n"}})
      out.append(part);
  out.append("\r\n");
  shard_.on.count().requests.add();
  shard_.ledger.answered(now, tally_, 101);
  shard_.ledger.end(now, tally_, true);
  auto asked = std::move(exchange_);
  if (const auto link = std::exchange(asked->link, nullptr))
    link->detach(nullptr, boost::asio::error::operation_aborted);
  auto unsent = carry_ != nullptr ? carry_->take_unsent() : std::string{};
  // Its poller's from now on.
  auto* const made = new tunnel_session{shard_, give_up(), std::move(core)};
  made->begin({.unsent = std::move(unsent),
               .head = out.view(),
               .input = input,
               .websocket = same_token(protocol, "websocket")});
  out.clear();
  input = {};
  shard_.pool.give_back(std::move(asked));
}

/// Whether the connection begins with HTTP/2's preface ("PRI * HTTP/2.0", RFC 9113 section 3.4);
/// three bytes tell. Then it goes on in that.
bool session::becomes_http2(std::string_view& input) {
  constexpr std::string_view sign = "PRI";
  if (preface_ > sign.size()) return false;
  const auto ahead = sign.substr(preface_);
  const auto same = static_cast<std::size_t>(
      std::mismatch(ahead.begin(), ahead.end(), input.begin(), input.end()).first - ahead.begin());
  const bool more = same == input.size() && same != ahead.size();
  if (more || same != ahead.size()) {
    // Anything else is HTTP/1.1 from its first byte on: the engine has had what came before.
    preface_ = static_cast<std::uint8_t>(more ? preface_ + same : sign.size() + 1);
    return false;
  }
  if (exchange_ != nullptr) shard_.pool.give_back(std::move(exchange_));
  auto* const made = new http2_session{shard_, give_up()};  // its poller's from now on
  if (preface_ == 0) {
    made->begin(input);
  } else {
    made->begin(std::string{sign.substr(0, preface_)}.append(input));
  }
  input = {};
  return true;
}

/// "Upgrade: h2c" of RFC 7540 section 3.2, which clients still send. Whatever is wrong with it, the
/// request is answered by HTTP/1.1, as if it had not asked.
bool session::upgrades_to_http2(std::string_view& input) {
  auto& now = *exchange_;
  const auto settings = now.request.header("HTTP2-Settings");
  if (!now.engine.complete() || now.request.version() != 11 || connection_.secure() ||
      !same_token(now.request.header("Upgrade"), "h2c") || !valid_settings(settings))
    return false;
  shard_.out.append(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
  auto asked = std::move(exchange_);
  auto* const made = new http2_session{shard_, give_up()};  // its poller's from now on
  made->begin_upgraded(asked->request, settings, input);
  input = {};
  shard_.pool.give_back(std::move(asked));
  return true;
}

/// Ends this session, not its connection.
net::connection session::give_up() {
  closed_ = true;
  shard_.on.timers().cancel(*this);
  shard_.sessions.leave(*this);
  carry_.reset();
  if (watched_) shard_.on.poller().remove(connection_.fd(), *this);
  if (watched_ || !starting_) shard_.on.poller().retire(std::unique_ptr<net::pollable>{this});
  return std::move(connection_);
}

}  // namespace baton::http

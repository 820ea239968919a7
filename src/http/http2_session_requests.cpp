#include <algorithm>
#include <boost/asio/error.hpp>
#include <utility>

#include "http/dispatch.hpp"
#include "http/http2_session.hpp"
#include "http/http2_upgraded.hpp"
#include "http/kept_for.hpp"
#include "http/link.hpp"
#include "http/request_builder.hpp"
#include "http/tunnel_core.hpp"

namespace baton::http {
namespace {

using stage = http2_exchange::stage;

http2_exchange& ours(engine::http2_stream& of) noexcept { return static_cast<http2_exchange&>(of); }

/// How a reading handler is told why the body ends.
error_code body_error(const engine::refusal& why) noexcept {
  return why.status == 413 ? boost::asio::error::message_size
                           : boost::asio::error::invalid_argument;
}

/// Whether that is to say no, but would tell the client that its CONNECT was granted (RFC 9113
/// section 8.5): any 2xx does.
bool refuses_wrongly(const http2_exchange& to, const response& answer) noexcept {
  return !to.protocol().empty() && to.now != stage::tunnel && answer.status() < 300;
}

}  // namespace

engine::http2_stream& http2_session::open() {
  auto made = shard_.http2_pool.take();
  made->begin(*this);
  shard_.ledger.begin(*made);
  tally_.http2_streams_opened.add();
  streams_.push_back(made.get());
  return *made.release();  // until `closed`
}

void http2_session::head(engine::http2_stream& of) {
  if (!overworked()) [[likely]] {
    dispatch(ours(of));
  } else {
    ours(of).now = stage::discard;
    engine_.reset(of, engine::http2_error::refused_stream);
  }
  if (ending_ == ending::held) [[unlikely]]
    notify();
}

/// Whether the handlers still work on so much that was taken back that nothing may be added to it:
/// a stream that is reset is no longer open, its request goes on (CVE-2023-44487, CVE-2025-8671).
bool http2_session::overworked() const noexcept {
  const auto& limits = shard_.limits.http2;
  return abandoned_.count() != 0 &&
         (abandoned_.count() + streams_.size() > limits.max_concurrent_streams ||
          abandoned_.bytes() > limits.max_collected_bytes);
}

void http2_session::dispatch(http2_exchange& of) {
  auto& asked = of.exchange::request;
  request_builder builder{asked};
  builder.origin(connection_, shard_.on.context());
  const bool connects = asked.method() == method::connect;
  router::match found;
  shard_.routes.find(connects ? method::get : asked.method(), asked.path(), found);
  of.now = stage::discard;
  if (auto answer = barred(connection_, asked, found.found)) return give(of, std::move(*answer));
  if (found.found == nullptr) return give(of, unrouted_answer(shard_.routes, asked, found));
  of.route = found.found;
  if (found.count != 0) builder.params(of.route->names, found);
  if (connects) return connect(of);
  if (!of.complete()) {
    const auto most = of.route->options.max_body.value_or(shard_.limits.max_body);
    engine::http2::limit_body(of, most);
    if (of.content_length() > most)
      return give(of, refusal_answer(of.route, asked, 413, engine::body_too_large.reason));
  }
  of.progress = clock::now();
  const auto* reading = std::get_if<reading_handler>(&of.route->handler.call());
  if (reading == nullptr) {
    of.now = stage::collect;
    if (of.expects_continue() && !of.complete()) engine_.go_on(of);
    return;
  }
  of.now = stage::waiting;
  call_later(of);
  if (of.link != nullptr && of.link->wants_body()) of.want_body();
}

/// Runs a handler that answers later, and does what it has wanted meanwhile.
void http2_session::call_later(http2_exchange& of) {
  const auto& handler = of.route->handler.call();
  const auto link = std::make_shared<detail::link>(of, shard_.on.context());
  of.link = link;
  if (of.now == stage::asking) link->allow_tunnel();
  if (ending_ != ending::none) link->drain();
  if (of.complete() || of.now == stage::asking) link->end_body(boost::asio::error::eof);
  run_later_handler(*of.route, link, [&](const std::shared_ptr<detail::link>& to) {
    if (const auto* reading = std::get_if<reading_handler>(&handler)) {
      (*reading)(of.exchange::request, body_reader{to}, responder{to});
    } else {
      std::get<later_handler>(handler)(of.exchange::request, responder{to});
    }
  });
  if (auto ready = link->take_answer()) return give(of, std::move(*ready));
  if (const auto order = link->take_tunnel()) open_tunnel(of, order->head, order->core);
}

void http2_session::body(engine::http2_stream& of, std::string_view piece) {
  auto& to = ours(of);
  to.progress = clock::now();
  switch (to.now) {
    case stage::collect:
      return collect(to, piece);
    case stage::waiting:
      if (to.link == nullptr || to.link->answered()) break;
      to.link->body(piece);
      return to.feed_reader();
    case stage::asking:
      if (to.link == nullptr || to.link->answered()) break;
      request_builder{to.exchange::request}.body_storage().append(piece);
      return;  // credited when it is taken
    case stage::tunnel:
      // The bytes stand in the thread's read buffer.
      return to.tunnel->receive({const_cast<char*>(piece.data()), piece.size()});
    case stage::head:
    case stage::discard:
      break;
  }
  engine_.consume(of, piece.size());
}

void http2_session::end(engine::http2_stream& of) {
  auto& to = ours(of);
  if (to.now == stage::tunnel) return to.tunnel->end();
  if (to.now == stage::waiting && to.link != nullptr) {
    // Whoever has answered was given nothing more, and what came was not all.
    to.link->end_body(to.link->answered() ? boost::asio::error::operation_aborted
                                          : error_code{boost::asio::error::eof});
    return to.feed_reader();
  }
  if (to.now == stage::collect) call(to);
}

void http2_session::call(http2_exchange& of) {
  auto& asked = of.exchange::request;
  request_builder builder{asked};
  if (!builder.body_storage().empty()) builder.body(builder.body_storage());
  of.now = stage::waiting;
  if (of.collected != 0) {
    bodies_.serve(of.collected);
    let_bodies_on();
  }
  const auto& handler = of.route->handler.call();
  if (const auto* plain = std::get_if<plain_handler>(&handler))
    return give(of, run_handler(*of.route, *plain, asked));
  call_later(of);
}

void http2_session::give(http2_exchange& to, response answer) {
  if (refuses_wrongly(to, answer)) answer.status(502);
  if (answer.closes() && ending_ == ending::none) announce();
  respond(to, std::move(answer));
}

void http2_session::respond(http2_exchange& to, response answer) {
  if (to.answered()) return;
  const auto status = answer.status();
  engine_.respond(to, std::move(answer), shard_.on.http_date());
  if (to.answered()) shard_.ledger.answered(to, tally_, status);
}

void http2_session::give_head(http2_exchange& to, const response& head, engine::http2_source& body,
                              const std::uint64_t* length) {
  if (to.answered()) return;
  if (refuses_wrongly(to, head)) {
    auto other = head;
    return give_head(to, other.status(502), body, length);
  }
  engine_.respond(to, head, shard_.on.http_date(), body, length);
  to.account.streamed = true;
  if (to.answered()) shard_.ledger.answered(to, tally_, head.status());
}

void http2_session::refused(engine::http2_stream& of, const engine::refusal& why) {
  auto& to = ours(of);
  if (to.now == stage::tunnel) return to.tunnel->lose();
  if (to.now == stage::head)
    request_builder{to.exchange::request}.origin(connection_, shard_.on.context());
  if (to.now == stage::waiting && to.link != nullptr) {
    to.link->end_body(body_error(why));
    to.feed_reader();
  }
  to.now = stage::discard;
  if (!to.answered())
    give(to, refusal_answer(to.route, to.exchange::request, why.status, why.reason));
}

void http2_session::closed(engine::http2_stream& of, engine::http2_error why) {
  static_cast<void>(why);
  std::unique_ptr<http2_exchange> done{&ours(of)};
  if (upgraded_ == done.get()) upgraded_ = nullptr;
  const auto at = std::find(streams_.begin(), streams_.end(), done.get());
  *at = streams_.back();
  streams_.pop_back();
  const auto collected = give_back_body(*done);
  ++requests_;
  if (done->finished()) shard_.on.count().requests.add();
  tally_.http2_streams_closed.add();
  if (!done->account.streamed) done->account.body_bytes = done->body_sent();
  // What has no complete header is no request yet, unless it was refused.
  if (done->now != stage::head || done->answered())
    shard_.ledger.end(*done, tally_, done->finished());
  if (done->tunnel != nullptr) {
    done->tunnel->lose();
    done->tunnel.reset();
  }
  if (const auto link = std::exchange(done->link, nullptr)) {
    const bool open = !link->answered();
    auto& pool = shard_.http2_pool;
    if (open) done->abandoned = abandoned_.enter(collected);
    link->detach(open ? std::unique_ptr<exchange>{done.release()} : nullptr,
                 boost::asio::error::connection_reset);
    if (open) return;
    return pool.give_back(std::move(done));
  }
  shard_.http2_pool.give_back(std::move(done));
}

void http2_session::failed(engine::http2_error code, std::string_view why) {
  static_cast<void>(code);
  static_cast<void>(why);  // GOAWAY tells the client; a flood must not fill our log
  failed_ = true;
}

}  // namespace baton::http

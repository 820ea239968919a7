#include <algorithm>
#include <boost/asio/error.hpp>

#include "baton/base/log.hpp"
#include "baton/net/listener.hpp"
#include "http/dispatch.hpp"
#include "http/kept_for.hpp"
#include "http/link.hpp"
#include "http/session.hpp"

namespace baton::http {
namespace {

using engine::event;

constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr std::size_t output_bound = std::size_t{64} * 1024;
constexpr std::size_t unread_bound = std::size_t{64} * 1024;
// A body is trusted to come as long as announced up to here; beyond, memory grows with the bytes.
constexpr std::uint64_t reserved_body = std::uint64_t{1024} * 1024;

}  // namespace

/// One step; false if nothing more can be done now.
bool session::advance(std::string_view& input) {
  if (ending_ || blocked()) return false;
  if (exchange_ == nullptr) {
    if (input.empty()) return false;
    exchange_ = shard_.pool.take();
    shard_.ledger.begin(*exchange_);
  }
  switch (exchange_->now) {
    case http1_exchange::stage::head:
      return advance_head(input);
    case http1_exchange::stage::collect:
    case http1_exchange::stage::discard:
      return advance_body(input);
    case http1_exchange::stage::waiting:
    case http1_exchange::stage::stream:
      break;
  }
  return advance_reader(input);
}

bool session::advance_head(std::string_view& input) {
  switch (exchange_->engine.next(input, exchange_->request)) {
    case event::head:
      dispatch(input);
      return true;
    case event::need_more:
      if (exchange_->engine.untouched()) shard_.pool.give_back(std::move(exchange_));
      return false;
    default:
      refuse(exchange_->engine.why());
      return false;
  }
}

void session::dispatch(std::string_view& input) {
  auto& now = *exchange_;
  auto& engine = now.engine;
  request_builder builder{now.request};
  builder.origin(connection_, shard_.on.context());
  if (engine.asks_upgrade() && upgrades_to_http2(input)) return;
  router::match found;
  shard_.routes.find(now.request.method(), now.request.path(), found);
  const bool more = !input.empty();
  if (auto answer = barred(connection_, now.request, found.found))
    return answer_unread(std::move(*answer), more);
  if (found.found == nullptr)
    return answer_unread(unrouted_answer(shard_.routes, now.request, found), more);
  now.route = found.found;
  if (found.count != 0) builder.params(now.route->names, found);
  if (now.route->websocket != nullptr) return open_websocket(input);
  if (!now.route->options.upgrades.empty()) [[unlikely]]
    note_upgrade();
  if (!engine.complete()) {
    const auto most = now.route->options.max_body.value_or(shard_.limits.max_body);
    engine.limit_body(most);
    if (engine.content_length() > most) return refuse(engine::body_too_large);
  }
  const bool wants_other = !now.request.upgrade().empty();
  if (const auto* reading = std::get_if<reading_handler>(&now.route->handler.call())) {
    call_later(more, [&](const std::shared_ptr<detail::link>& link) {
      if (engine.complete()) link->end_body(boost::asio::error::eof);
      (*reading)(now.request, body_reader{link}, responder{link});
    });
    if (wants_other) open_ordered_tunnel(input);
    return;
  }
  if (engine.complete()) {
    call(more);
    if (wants_other) open_ordered_tunnel(input);
    return;
  }
  now.now = http1_exchange::stage::collect;
  if (engine.expects_continue() && !more) shard_.out.append(go_on);
}

/// Answers without a handler. A body is read first, so that the connection stays usable.
void session::answer_unread(response&& answer, bool more) {
  auto& now = *exchange_;
  if (now.engine.complete() || now.engine.expects_continue())
    return respond(std::move(answer), more);
  if (now.engine.content_length() > shard_.limits.max_body) return refuse(engine::body_too_large);
  now.verdict = std::move(answer);
  now.now = http1_exchange::stage::discard;
}

bool session::advance_body(std::string_view& input) {
  auto& now = *exchange_;
  request_builder builder{now.request};
  const bool collects = now.now == http1_exchange::stage::collect;
  switch (now.engine.next(input, now.request)) {
    case event::need_more:
      return false;
    case event::body: {
      renew_ = true;
      if (!collects) return true;
      auto& storage = builder.body_storage();
      if (storage.empty() && now.engine.complete()) {
        builder.body(now.engine.piece());  // all of it in one piece: no copy
        return true;
      }
      if (storage.empty())
        storage.reserve(std::min(now.engine.content_length().value_or(0), reserved_body));
      storage.append(now.engine.piece());
      return true;
    }
    case event::done:
      if (!collects) {
        respond(std::move(now.verdict), !input.empty());
      } else {
        if (!builder.body_storage().empty()) builder.body(builder.body_storage());
        call(!input.empty());
      }
      return true;
    default:
      refuse(now.engine.why());
      return false;
  }
}

/// Feeds the body to a handler that reads it, as long as it reads.
bool session::advance_reader(std::string_view& input) {
  auto& now = *exchange_;
  auto& link = *now.link;
  if (!link.wants_body() || !std::holds_alternative<reading_handler>(now.route->handler.call()))
    return false;
  if (now.engine.expects_continue() && !now.continue_sent && !now.engine.complete()) {
    now.continue_sent = true;
    if (input.empty() && now.now == http1_exchange::stage::waiting) shard_.out.append(go_on);
  }
  switch (now.engine.next(input, now.request)) {
    case event::need_more:
      link.deliver();
      return false;
    case event::body:
      renew_ = true;
      link.body(now.engine.piece());
      if (link.unread() >= unread_bound) link.deliver();
      return true;
    case event::done:
      link.end_body(boost::asio::error::eof);
      link.deliver();
      return false;
    default:
      link.end_body(now.engine.why().status == 413 ? boost::asio::error::message_size
                                                   : boost::asio::error::invalid_argument);
      if (now.now == http1_exchange::stage::stream) {
        cut();
      } else {
        refuse(now.engine.why());
      }
      return false;
  }
}

void session::call(bool more) {
  auto& now = *exchange_;
  const auto& handler = now.route->handler.call();
  if (const auto* plain = std::get_if<plain_handler>(&handler))
    return respond(run_handler(*now.route, *plain, now.request), more);
  call_later(more, [&](const std::shared_ptr<detail::link>& link) {
    std::get<later_handler>(handler)(now.request, responder{link});
  });
}

template <class Call>
void session::call_later(bool more, Call call) {
  request_builder builder{exchange_->request};
  builder.keep_head();
  builder.keep_body();
  exchange_->now = http1_exchange::stage::waiting;
  const auto link = std::make_shared<detail::link>(*this, shard_.on.context());
  exchange_->link = link;
  if (!exchange_->request.upgrade().empty()) link->allow_tunnel();
  if (shard_.announced && told_ == shard_.drains) link->drain();
  calling_ = true;
  run_later_handler(*exchange_->route, link, call);
  calling_ = false;
  if (closed_) return;
  if (auto ready = link->take_answer()) respond(std::move(*ready), more);
}

void session::answer(response answer) {
  shard_.busy = true;
  respond(std::move(answer), carry_ != nullptr && !carry_->input.empty());
  shard_.busy = false;
  resume();
}

/// `more`: bytes of a further request were read already; it is answered too, drain or not.
void session::respond(response answer, bool more) {
  const auto& engine = exchange_->engine;
  const bool asked_to_stay = engine.keep_alive();
  const auto most = shard_.limits.max_requests_per_connection;
  const bool last = !asked_to_stay || !engine.complete() || answer.closes() ||
                    (!more && drains()) || (most != 0 && requests_ + 1 >= most);
  const bool politely = !asked_to_stay && engine.complete();
  put_answer(answer, last);
  if (closed_) return;
  finish_exchange();
  if (last) end(politely);
  if (shard_.out.size() > output_bound) flush();
}

/// Answers what cannot be understood or served, and ends the connection.
void session::refuse(const engine::refusal& why) {
  if (exchange_->now == http1_exchange::stage::head)
    request_builder{exchange_->request}.origin(connection_, shard_.on.context());
  if (why.status != 0) {
    auto answer = refusal_answer(exchange_->route, exchange_->request, why.status, why.reason);
    put_answer(answer, true);
    if (closed_) return;
  }
  finish_exchange();
  end(false);
}

void session::put_answer(response& answer, bool last) {
  const auto& asked = exchange_->request;
  const bool bodiless = response_writer::bodiless(answer.status());
  const auto connection = last                    ? persistence::close
                          : asked.version() == 10 ? persistence::keep_alive
                                                  : persistence::silent;
  shard_.ledger.answered(*exchange_, tally_, answer.status());
  const bool chunked = response_writer::has_trailers(answer) && !bodiless && asked.version() >= 11;
  const auto how = bodiless ? ending::none : chunked ? ending::chunked : ending::length;
  response_writer::head(shard_.out, answer, shard_.on.http_date(), how, connection);
  if (bodiless || asked.method() == method::head) return;
  exchange_->account.body_bytes = answer.body().size();
  if (!chunked) return put_body(answer);
  put_chunk(answer.body());
  put_last_chunk(answer);
}

void session::finish_exchange() {
  shard_.on.count().requests.add();
  shard_.ledger.end(*exchange_, tally_, true);
  ++requests_;
  renew_ = true;
  if (const auto link = std::exchange(exchange_->link, nullptr)) {
    const bool open = !link->answered();
    link->detach(open ? std::move(exchange_) : nullptr, boost::asio::error::operation_aborted);
    if (open) return;
  }
  shard_.pool.give_back(std::move(exchange_));
}

void session::end(bool politely) noexcept {
  ending_ = true;
  polite_ = politely;
}

}  // namespace baton::http

#include <algorithm>
#include <boost/asio/error.hpp>
#include <utility>

#include "http/dispatch.hpp"
#include "http/http2_session.hpp"
#include "http/link.hpp"
#include "http/request_builder.hpp"

namespace baton::http {
namespace {

using stage = http2_exchange::stage;

// Memory for a body is taken ahead up to here; beyond, it grows with the bytes.
constexpr std::uint64_t reserved_body = std::uint64_t{1024} * 1024;

}  // namespace

/// Of the requests whose bodies are still gathered, the one that came first; or null.
http2_exchange* http2_session::oldest_collected() const noexcept {
  http2_exchange* oldest = nullptr;
  for (auto* each : streams_)
    if (each->now == stage::collect && (oldest == nullptr || each->id() < oldest->id()))
      oldest = each;
  return oldest;
}

void http2_session::collect(http2_exchange& of, std::string_view piece) {
  auto& storage = request_builder{of.exchange::request}.body_storage();
  if (storage.empty()) storage.reserve(std::min(of.content_length().value_or(0), reserved_body));
  storage.append(piece);
  of.collected += piece.size();
  bodies_.add(piece.size());
  if (bodies_.roomy()) [[likely]]
    return engine_.consume(of, piece.size());
  const auto* const oldest = oldest_collected();
  switch (oldest == &of ? bodies_.judge_oldest() : bodies_.judge(oldest->collected)) {
    case body_budget::verdict::go_on:
      return engine_.consume(of, piece.size());
    case body_budget::verdict::hold_back:
      return engine_.hold_back(of, piece.size());
    case body_budget::verdict::refuse:
      of.now = stage::discard;
      engine_.consume(of, piece.size());
      return engine_.reset(of, engine::http2_error::refused_stream);
  }
}

/// A request is over: who was held back for it may go on. How much it held.
std::size_t http2_session::give_back_body(http2_exchange& of) {
  if (bodies_.held() == 0) return 0;
  const auto bytes = std::exchange(of.collected, 0);
  bodies_.give_back(bytes, of.now == stage::waiting);
  let_bodies_on();
  return bytes;
}

void http2_session::let_bodies_on() {
  if (bodies_.roomy()) {
    for (auto* each : streams_)
      if (each->now == stage::collect) engine_.let_on(*each);
  } else if (auto* const oldest = oldest_collected(); oldest != nullptr && bodies_.serves_few()) {
    engine_.let_on(*oldest);
  }
}

/// How long a body may stay silent; 0: for ever.
std::chrono::milliseconds http2_session::patience_for(const http2_exchange& of) const noexcept {
  const auto own = of.route != nullptr ? of.route->options.body_timeout : std::nullopt;
  return own.value_or(shard_.limits.body_timeout);
}

/// A request whose body does not come is answered 408.
void http2_session::time_out_bodies(clock::time_point now) {
  const auto open = streams_;
  for (auto* each : open) {
    if (std::find(streams_.begin(), streams_.end(), each) == streams_.end()) continue;
    if (each->finished() && !each->complete()) {
      time_out_rest(*each, now);
      continue;
    }
    if (each->held_back() != 0) each->progress = now;  // it waits for us
    const auto patience = patience_for(*each);
    if (!each->awaits_body() || patience.count() == 0 || now - each->progress < patience) continue;
    shard_.on.count().deadlines.add();
    if (each->link != nullptr) {
      each->link->end_body(boost::asio::error::timed_out);
      each->feed_reader();
    }
    each->now = stage::discard;
    if (!each->answered()) {
      give(*each, refusal_answer(each->route, each->exchange::request, engine::too_slow.status,
                                 engine::too_slow.reason));
    } else {
      engine_.reset(*each, engine::http2_error::cancel);
    }
  }
}

/// Whoever was answered before his request was complete has a little time for the rest.
void http2_session::time_out_rest(http2_exchange& of, clock::time_point now) {
  if (of.now == stage::tunnel) return;
  if (!of.leaves_since) of.leaves_since = now;
  if (now - *of.leaves_since >= shard_.limits.linger_timeout)
    engine_.reset(of, engine::http2_error::no_error);
}

}  // namespace baton::http

// Streams that become another protocol (RFC 8441).
#include <boost/asio/error.hpp>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "http/dispatch.hpp"
#include "http/engine/websocket_handshake.hpp"
#include "http/http2_passage.hpp"
#include "http/http2_session.hpp"
#include "http/http2_tunnel.hpp"
#include "http/link.hpp"
#include "http/request_builder.hpp"
#include "http/tunnel_core.hpp"
#include "http/websocket_route.hpp"

namespace baton::http {
namespace {

using stage = http2_exchange::stage;

// Of another protocol's bytes: the windows hold them back, nothing gathers them.
constexpr auto no_limit = std::numeric_limits<std::uint64_t>::max();

}  // namespace

/// Extended CONNECT, on a route that was found.
void http2_session::connect(http2_exchange& of) {
  if (of.route->websocket != nullptr && of.protocol() == "websocket") return open_websocket(of);
  if (!among(of.protocol(), of.route->options.upgrades))
    return give(of, plain_answer(501, "nothing can be connected to here"));
  request_builder builder{of.exchange::request};
  builder.method(method::get);
  builder.upgrade(of.protocol());
  engine::http2::limit_body(of, no_limit);
  of.progress = clock::now();
  of.now = stage::asking;
  if (const auto* plain = std::get_if<plain_handler>(&of.route->handler.call()))
    return give(of, run_handler(*of.route, *plain, of.exchange::request));
  call_later(of);
}

/// The stream carries raw bytes from now on, behind the 200.
void http2_session::open_tunnel(http2_exchange& of, const response& head,
                                std::shared_ptr<detail::tunnel_core> core) {
  if (of.answered()) return core->lose_soon(boost::asio::error::connection_reset);
  auto answer = head;
  answer.status(200);
  of.now = stage::tunnel;
  auto passage = std::make_unique<http2_passage>(*this, of, std::move(core));
  auto& opened = *passage;
  of.tunnel = std::move(passage);
  give_head(of, answer, opened);
  shard_.ledger.end(of, tally_, true);
  if (const auto link = std::exchange(of.link, nullptr))
    link->detach(nullptr, boost::asio::error::operation_aborted);
  const auto early = std::exchange(request_builder{of.exchange::request}.body_storage(), {});
  opened.begin(early, of.complete());
  if (ending_ != ending::none) opened.announce();
}

/// The stream becomes a WebSocket, or the client is told why not.
void http2_session::open_websocket(http2_exchange& of) {
  const auto& route = *of.route->websocket;
  const auto agreed = engine::accept_connect(of.exchange::request, route.options);
  response answer{200};
  if (agreed.refused) answer = plain_answer(agreed.refused->status, agreed.refused->reason);
  for (const auto& [name, value] :
       agreed.refused ? engine::refusal_fields(agreed) : engine::acceptance_fields(agreed))
    response_writer::add_unchecked(answer, name, value);
  if (agreed.refused) return give(of, std::move(answer));
  of.now = stage::tunnel;
  engine::http2::limit_body(of, no_limit);
  auto socket = std::make_unique<http2_tunnel>(
      *this, of,
      std::make_shared<websocket_core>(route, agreed, shard_.workshop, shard_.on.context()));
  auto& opened = *socket;
  of.tunnel = std::move(socket);
  give_head(of, answer, opened);
  shard_.ledger.end(of, tally_, true);
  opened.open();
  if (ending_ != ending::none) of.tunnel->announce();
}

}  // namespace baton::http

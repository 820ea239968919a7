#include "http/websocket_core.hpp"

#include <fmt/format.h>

#include <exception>
#include <utility>

#include "baton/base/log.hpp"
#include "http/listener_tally.hpp"

namespace baton::http {
namespace {

using engine::websocket_reader;

std::optional<engine::deflate_direction> client_side(
    const std::optional<engine::deflate_parameters>& agreed) noexcept {
  if (!agreed) return std::nullopt;
  return agreed->client;
}

}  // namespace

websocket_core::websocket_core(const websocket_route& route,
                               const engine::websocket_handshake& agreed,
                               engine::websocket_workshop& shared, boost::asio::io_context& context)
    : route_{route},
      shared_{shared},
      context_{context},
      reader_{websocket_reader::role::server, route.options.max_message, shared,
              client_side(agreed.compression)},
      subprotocol_{agreed.subprotocol} {
  if (!agreed.compression) return;
  const auto& wanted = route.options.compression;
  deflation_.emplace(shared, agreed.compression->server,
                     engine::deflate_effort{wanted.level, wanted.memory_level});
}

websocket_core::~websocket_core() { leave(); }

/// Runs a callback; what it throws ends the connection.
template <class Call>
void websocket_core::call_out(std::string_view what, Call call) {
  std::string thrown;
  try {
    return call();
  } catch (const std::exception& error) {
    thrown = error.what();
  } catch (...) {
    thrown = "something that is no std::exception";
  }
  log_error(
      fmt::format("http: the callback {} of websocket {} threw: {}", what, route_.pattern, thrown));
  if (state_ == state::open) say_close(close_code::internal_error, {});
}

void websocket_core::open(websocket_transport& over, const http::request& asked,
                          const std::vector<std::string>& names) {
  transport_ = &over;
  state_ = state::open;
  tally_ = over.tally();
  if (tally_ != nullptr) tally_->websockets_opened.add();
  if (route_.cap != nullptr && !(slot_ = route_.cap->try_acquire()))
    return say_close(close_code::try_again_later, "too many are here already");
  request_ = websocket_request{asked, names, route_.options.keep_fields};
  opened_ = true;
  start_beat();
  if (!route_.behaviour.open) return;
  websocket self{shared_from_this()};
  call_out("open", [&] { route_.behaviour.open(self, asked); });
}

std::size_t websocket_core::receive(std::span<char> input) {
  const auto size = input.size();
  websocket self{shared_from_this()};
  heard_ = true;
  while (wants_input() && state_ != state::failed && take(reader_.next(input), self)) {
  }
  shared_.tidy();
  if (leaving_ && state_ == state::open && reader_.at_boundary())
    say_close(close_code::going_away, "the server leaves");
  return size - input.size();
}

/// False if there is nothing more to take.
bool websocket_core::take(event found, websocket& self) {
  if (reader_.at_boundary()) halfway_ = false;
  switch (found) {
    case event::need_more:
      return false;
    case event::message:
      take_message(self);
      return true;
    case event::ping:  // answered until the client has said close (RFC 6455 section 5.5.2)
      put_control(engine::opcode::pong, reader_.payload());
      return true;
    case event::pong:
      if (state_ == state::open && opened_ && route_.behaviour.pong)
        call_out("pong", [&] { route_.behaviour.pong(self, reader_.payload()); });
      return true;
    case event::close:
      take_close(self);
      return false;
    case event::refused:
      refuse(reader_.why(), self);
      return false;
  }
  return false;
}

void websocket_core::take_message(websocket& self) {
  if (state_ != state::open) return;
  spoke_ = true;
  if (tally_ != nullptr) tally_->websocket_messages_in.add();
  if (reader_.binary() ? !route_.options.accept_binary : !route_.options.accept_text)
    return refuse(reader_.binary() ? engine::unwanted_binary : engine::unwanted_text, self);
  if (!route_.behaviour.message) return;
  const auto kind = reader_.binary() ? message_kind::binary : message_kind::text;
  call_out("message", [&] { route_.behaviour.message(self, reader_.payload(), kind); });
}

void websocket_core::take_close(websocket& self) {
  const auto code = reader_.code();
  if (state_ == state::open) {
    char status[2] = {static_cast<char>(static_cast<std::uint16_t>(code) >> 8U),
                      static_cast<char>(static_cast<std::uint16_t>(code) & 0xffU)};
    put_control(engine::opcode::close,
                {status, code == close_code::no_status ? std::size_t{0} : sizeof status});
  }
  conclude(ending::finish, {code, reader_.payload(), true}, self);
}

void websocket_core::refuse(const engine::websocket_refusal& why, websocket& self) {
  if (state_ == state::open) say_close(why.code, why.reason);
  conclude(ending::finish, {said_, why.reason, false}, self);
}

void websocket_core::on_drained(std::size_t waiting) {
  if (transport_ == nullptr) return;
  websocket self{shared_from_this()};
  // Only of what waited longer it is known that the client made room for it.
  if (waited_) heard_ = true;
  backlog_ = waiting;
  if (waiting > route_.options.high_water / 2) return;
  choked_ = false;
  if (!std::exchange(wants_drained_, false) || state_ != state::open) return;
  if (route_.behaviour.drained) call_out("drained", [&] { route_.behaviour.drained(self); });
}

void websocket_core::on_lost() {
  if (transport_ == nullptr) return;
  websocket self{shared_from_this()};
  const auto code = state_ == state::closing ? said_ : close_code::abnormal;
  conclude(ending::none, state_ == state::failed ? failure_ : websocket_end{code, {}, false}, self);
}

void websocket_core::announce() {
  if (state_ != state::open) return;
  if (reader_.at_boundary()) return say_close(close_code::going_away, "the server leaves");
  leaving_ = true;
}

void websocket_core::drop() {
  if (transport_ == nullptr) return;
  websocket self{shared_from_this()};
  if (state_ == state::open) say_close(close_code::going_away, "the server leaves");
  conclude(ending::none, {state_ == state::closing ? said_ : failure_.code, {}, false}, self);
}

/// The end: nothing is sent or called behind it.
void websocket_core::conclude(ending how, const websocket_end& end, websocket& self) {
  auto* const over = std::exchange(transport_, nullptr);
  if (tally_ != nullptr) tally_->websockets_closed.add();
  state_ = state::ended;
  backlog_ = 0;
  leave();
  slot_.release();
  if (how != ending::none) over->disarm();
  if (opened_ && route_.behaviour.closed)
    call_out("closed", [&] { route_.behaviour.closed(self, end); });
  if (how == ending::finish) over->finish();
  if (how == ending::cut) over->cut();
}

void websocket_core::leave() {
  for (const auto& each : std::exchange(subscriptions_, {})) each.in->leave(each.place);
}

}  // namespace baton::http

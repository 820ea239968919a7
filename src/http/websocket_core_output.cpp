#include <string>

#include "http/listener_tally.hpp"
#include "http/prepared_message.hpp"
#include "http/websocket_core.hpp"

namespace baton::http {
namespace {

using engine::opcode;

// Up to here a copy costs less than a part of its own.
constexpr std::size_t copied_view = std::size_t{8} * 1024;
constexpr std::size_t copied_reference = std::size_t{4} * 1024;
// More than this is told the transport at once, so that the backlog is known.
constexpr std::size_t gathered_output = std::size_t{32} * 1024;

std::uint8_t first_byte(message_kind kind) noexcept {
  const auto code = kind == message_kind::text ? opcode::text : opcode::binary;
  return static_cast<std::uint8_t>(engine::fin_bit | static_cast<std::uint8_t>(code));
}

/// The longest beginning of at most `most` bytes that does not end within a character.
std::string_view cut_text(std::string_view text, std::size_t most) noexcept {
  if (text.size() <= most) return text;
  while (most != 0 && (static_cast<unsigned char>(text[most]) & 0xc0U) == 0x80U) --most;
  return text.substr(0, most);
}

}  // namespace

/// While nothing waits, a message of any size is taken.
bool websocket_core::has_room(std::size_t size) const noexcept {
  return backlog_ == 0 || backlog_ + size <= route_.options.max_backlog;
}

send_status websocket_core::account(std::size_t waiting) noexcept {
  backlog_ = waiting;
  if (waiting <= route_.options.high_water) return send_status::sent;
  choked_ = wants_drained_ = true;
  return send_status::backlogged;
}

void websocket_core::append(std::string_view head, std::string_view payload) {
  auto& out = transport_->output();
  out.reserve(head.size() + payload.size());
  out.put(head);
  out.put(payload);
}

void websocket_core::note_sent() noexcept {
  spoke_ = true;
  if (tally_ != nullptr) tally_->websocket_messages_out.add();
}

send_status websocket_core::send(std::string_view payload, message_kind kind) {
  if (state_ != state::open) return send_status::closed;
  if (!has_room(payload.size())) return overflow();
  note_sent();
  auto first = first_byte(kind);
  if (deflation_ && !payload.empty() && payload.size() >= route_.options.compression.threshold) {
    if (const auto smaller = deflation_->message(payload); !smaller.empty()) {
      payload = smaller;
      first |= engine::rsv1_bit;
    }
  }
  char head[engine::max_plain_header];
  const auto size = engine::write_frame_header(head, first, payload.size());
  if (payload.size() <= copied_view) {
    append({head, size}, payload);
    return account(transport_->written());
  }
  append({head, size}, {});
  return account(transport_->written_with(payload));
}

/// The form of a prepared message that this client is sent.
const detail::shared_frame& websocket_core::frame_of(detail::prepared_message& message) {
  const auto& plain = message.plain();
  const auto size = plain.payload->size();
  if (!deflation_ || size == 0 || size < route_.options.compression.threshold) return plain;
  const auto& chosen = message.compressed(*deflation_);
  if (chosen.compressed()) deflation_->forget_context();
  return chosen;
}

send_status websocket_core::send(detail::prepared_message& message) {
  if (state_ != state::open) return send_status::closed;
  if (!has_room(message.plain().payload->size())) return overflow();
  note_sent();
  const auto& frame = frame_of(message);
  if (frame.payload->size() <= copied_reference) {
    append(frame.head(), *frame.payload);
    return account(transport_->written());
  }
  append(frame.head(), {});
  return account(transport_->written_with(frame.payload));
}

void websocket_core::send_all(std::span<const publication> messages) {
  std::size_t size = 0;  // of what was appended since the transport was told
  for (const auto& each : messages) {
    if (state_ != state::open) break;
    if (each.except == this) continue;
    auto& message = each.message.prepared();
    const auto plain_size = message.plain().payload->size();
    if (plain_size > copied_reference || !has_room(size + plain_size)) {
      send(message);
      size = 0;
      continue;
    }
    const auto& frame = frame_of(message);
    append(frame.head(), *frame.payload);
    note_sent();
    size += frame.header_size + frame.payload->size();
    if (size > gathered_output) account(transport_->written());
    if (size > gathered_output) size = 0;
  }
  if (size != 0) account(transport_->written());
}

void websocket_core::put_control(opcode code, std::string_view payload) {
  char head[engine::max_plain_header];
  const auto first = static_cast<std::uint8_t>(engine::fin_bit | static_cast<std::uint8_t>(code));
  append({head, engine::write_frame_header(head, first, payload.size())}, payload);
  account(transport_->written());
}

void websocket_core::ping(std::string_view payload) {
  if (state_ != state::open || choked_) return;
  put_control(opcode::ping, payload.substr(0, engine::max_control_payload));
}

void websocket_core::close(close_code code, std::string_view reason) {
  if (state_ == state::open) say_close(code, reason);
}

void websocket_core::say_close(close_code code, std::string_view reason) {
  const auto number = static_cast<std::uint16_t>(code);
  std::string payload{static_cast<char>(number >> 8U), static_cast<char>(number & 0xffU)};
  payload += cut_text(reason, engine::max_control_payload - payload.size());
  put_control(opcode::close, payload);
  said_ = code;
  state_ = state::closing;
  arm(awaited::close, route_.options.close_timeout);
}

send_status websocket_core::overflow() {
  if (route_.options.overflow == websocket_overflow::drop) {
    wants_drained_ = true;
    return send_status::dropped;
  }
  fail_soon({close_code::policy_violation, "the client reads too slowly", false});
  return send_status::closed;
}

/// Ends the connection in a turn of its own: nobody expects `closed` within a call of `send`.
void websocket_core::fail_soon(const websocket_end& end) {
  failure_ = end;
  state_ = state::failed;
  arm(awaited::failure, std::chrono::milliseconds{0});
}

}  // namespace baton::http

#include "http/prepared_message.hpp"

namespace baton::http {
namespace detail {
namespace {

std::uint8_t first_byte(message_kind kind, std::uint8_t compressed) noexcept {
  const auto code = kind == message_kind::text ? engine::opcode::text : engine::opcode::binary;
  return static_cast<std::uint8_t>(engine::fin_bit | compressed | static_cast<std::uint8_t>(code));
}

shared_frame frame_of(std::uint8_t first, std::shared_ptr<const std::string> payload) {
  shared_frame made;
  made.header_size = engine::write_frame_header(made.header.data(), first, payload->size());
  made.payload = std::move(payload);
  return made;
}

}  // namespace

prepared_message::prepared_message(message_kind kind, std::shared_ptr<const std::string> payload)
    : kind_{kind}, plain_{frame_of(first_byte(kind, 0), std::move(payload))} {}

const shared_frame& prepared_message::compressed(engine::message_deflation& by) {
  auto& made = compressed_[static_cast<std::size_t>(by.window_bits() - smallest_window)];
  const std::lock_guard hold{mutex_};
  if (made == nullptr) {
    const auto bytes = by.alone(*plain_.payload);
    made = std::make_unique<const shared_frame>(
        bytes.empty() ? plain_
                      : frame_of(first_byte(kind_, engine::rsv1_bit),
                                 std::make_shared<const std::string>(bytes)));
  }
  return *made;
}

}  // namespace detail

namespace {

std::shared_ptr<detail::prepared_message> prepare(message_kind kind,
                                                  std::shared_ptr<const std::string> payload) {
  if (payload == nullptr) payload = std::make_shared<const std::string>();
  return std::make_shared<detail::prepared_message>(kind, std::move(payload));
}

std::shared_ptr<const std::string> share(std::string&& payload) {
  return std::make_shared<const std::string>(std::move(payload));
}

}  // namespace

websocket_message websocket_message::text(std::string payload) {
  return text(share(std::move(payload)));
}
websocket_message websocket_message::text(std::shared_ptr<const std::string> payload) {
  return websocket_message{prepare(message_kind::text, std::move(payload))};
}
websocket_message websocket_message::binary(std::string payload) {
  return binary(share(std::move(payload)));
}
websocket_message websocket_message::binary(std::shared_ptr<const std::string> payload) {
  return websocket_message{prepare(message_kind::binary, std::move(payload))};
}

std::string_view websocket_message::payload() const noexcept { return *prepared_->plain().payload; }

message_kind websocket_message::kind() const noexcept { return prepared_->kind(); }

}  // namespace baton::http

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "baton/http/close_code.hpp"
#include "http/engine/deflate_parameters.hpp"
#include "http/engine/message_inflation.hpp"
#include "http/engine/utf8.hpp"
#include "http/engine/websocket_frame.hpp"
#include "http/engine/websocket_refusal.hpp"
#include "http/engine/websocket_workshop.hpp"

namespace baton::http::engine {

/// WebSocket messages out of bytes (RFC 6455 sections 5 to 7, RFC 7692), without any I/O.
///
/// Invariants: the same bytes give the same events however they were split; after `close` and
/// `refused` nothing of the connection is looked at again; a message is never larger than the
/// limit, decompressed or not; a text that cannot become UTF-8 any more is refused with the byte
/// that spoils it (a compressed one: with its last); between two messages no memory is held but
/// the window that a peer with context takeover may refer to.
class websocket_reader {
 public:
  /// Which side it is that reads: a server wants frames masked, a client does not.
  enum class role : std::uint8_t { server, client };

  enum class event : std::uint8_t {
    need_more,  ///< all input was taken; nothing to report yet
    message,    ///< `payload()` and `binary()`
    ping,       ///< `payload()` is to be sent back
    pong,       ///< `payload()`
    close,      ///< `code()`, and the reason as `payload()`
    refused     ///< `why()`
  };

  /// `compression`: what was agreed for the peer's messages.
  websocket_reader(role own, std::size_t max_message, websocket_workshop& shared,
                   const std::optional<deflate_direction>& compression) noexcept;

  /// Takes bytes from the front of `input`, unmasking them in place, and reports one event.
  /// `payload()` is valid until the next call, and as long as `input` and what the workshop last
  /// decompressed.
  event next(std::span<char>& input);

  [[nodiscard]] std::string_view payload() const noexcept { return payload_; }
  [[nodiscard]] bool binary() const noexcept { return binary_; }
  /// no_status if the close frame had none.
  [[nodiscard]] close_code code() const noexcept { return code_; }
  [[nodiscard]] const websocket_refusal& why() const noexcept { return *why_; }

  /// Nothing of a message or a frame was seen yet.
  [[nodiscard]] bool at_boundary() const noexcept {
    return stage_ == stage::header && header_size_ == 0 && message_ == opcode::continuation;
  }

 private:
  enum class stage : std::uint8_t { header, payload, ended, failed };

  bool take_header(std::span<char>& input) noexcept;
  [[nodiscard]] const websocket_refusal* check_header() const noexcept;
  [[nodiscard]] const websocket_refusal* check_data_header() const noexcept;
  event take_control(std::span<char>& input);
  event control(std::string_view payload) noexcept;
  event closing(std::string_view payload) noexcept;
  event take_data(std::span<char>& input);
  event take_piece(std::span<char>& input);
  event finish_message(std::string_view payload, bool text_checked);
  event refuse(const websocket_refusal& why) noexcept;
  void release() noexcept;

  websocket_workshop& shared_;
  const std::size_t max_message_;
  std::optional<message_inflation> inflation_;

  frame_header frame_;
  std::uint64_t left_ = 0;  // of the frame's payload
  std::string_view payload_;
  scratch gathered_;     // a message that comes in pieces
  std::string control_;  // a control frame that does
  const websocket_refusal* why_ = nullptr;
  close_code code_ = close_code::no_status;
  std::array<char, max_frame_header> header_{};
  std::uint8_t header_size_ = 0;  // of a header that comes in pieces
  role role_;
  stage stage_ = stage::header;
  opcode message_ = opcode::continuation;  // the message that is being read; continuation: none
  utf8_validator text_;
  bool compressed_ = false;
  bool binary_ = false;
  bool spent_ = false;  // `gathered_` was reported
};

}  // namespace baton::http::engine

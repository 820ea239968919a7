#pragma once

#include <any>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include "baton/http/close_code.hpp"
#include "baton/http/request.hpp"
#include "baton/http/websocket_message.hpp"
#include "baton/http/websocket_options.hpp"
#include "baton/http/websocket_request.hpp"

namespace baton::http {

class websocket_core;

/// What became of a message.
enum class send_status : std::uint8_t {
  sent,        ///< taken; less than `high_water` waits for the client
  backlogged,  ///< taken, but the client is slow: wait for `drained` before you send more
  dropped,     ///< not taken: it would not fit into `max_backlog`
  closed       ///< not taken: the socket is closed or closing
};

/// How a WebSocket ended.
struct websocket_end {
  /// The client's code if it sent a close frame (no_status: one without a code), else ours;
  /// abnormal if the connection was lost without either.
  close_code code = close_code::abnormal;
  /// What the client said beside its code, or else what happened; UTF-8, valid during the call.
  std::string_view reason = {};
  /// Both sides have said close.
  bool clean = false;
};

/// A client's WebSocket: a handle that may be copied and kept. Once the socket has ended, it says
/// so (`is_open`), sends nothing, and still knows request and data.
///
/// Threads: a socket belongs to the thread that runs its `context()`, on which all its callbacks
/// are called. Everything here is for that thread, except `post`, `post_close`, copies and
/// comparisons, which are for any. Nothing here calls a callback before it returns.
class websocket {
 public:
  /// Stands for no socket: only assignment, comparison and `is_open` make sense.
  websocket() = default;
  explicit websocket(std::shared_ptr<websocket_core> core) noexcept : core_{std::move(core)} {}

  /// Sends a message. What is sent while a callback runs goes out when it returns, in one piece.
  /// `text` must be UTF-8, which is not checked.
  send_status text(std::string_view payload) { return send(payload, message_kind::text); }
  send_status binary(std::string_view payload) { return send(payload, message_kind::binary); }
  send_status send(std::string_view payload, message_kind kind);
  /// The payload is not copied, whatever its size.
  send_status send(const websocket_message& message);

  /// Sends a ping; a client answers with a pong of the same payload. Payloads beyond 125 bytes are
  /// cut to that. The service pings silent clients by itself (`ping_interval`).
  void ping(std::string_view payload = {});

  /// Says good-bye: sends a close frame behind what was sent, and waits for the client's
  /// (`close_timeout`). From now on no message is sent or delivered; `closed` is called at the end.
  /// `reason` is UTF-8, cut to 123 bytes. Throws std::invalid_argument if the code may not be sent.
  void close(close_code code = close_code::normal, std::string_view reason = {});

  /// As `send` and `close`, on any thread: done on the socket's thread, in the order of the calls
  /// of one thread. What does not fit into the backlog then is lost without a word.
  void post(websocket_message message) const;
  void post_close(close_code code = close_code::normal, std::string_view reason = {}) const;

  /// Whether messages can be sent: false from `close`, or the client's close frame, on.
  [[nodiscard]] bool is_open() const noexcept;
  /// Bytes that wait for the client in our memory.
  [[nodiscard]] std::size_t buffered() const noexcept;
  /// What was agreed on; empty: none.
  [[nodiscard]] std::string_view subprotocol() const noexcept;
  /// Whether permessage-deflate was agreed on.
  [[nodiscard]] bool compressed() const noexcept;
  [[nodiscard]] const websocket_request& request() const noexcept;
  /// Yours, for whatever belongs to this client.
  [[nodiscard]] std::any& data() const noexcept;
  /// The io_context of the socket's thread.
  [[nodiscard]] boost::asio::io_context& context() const noexcept;

  [[nodiscard]] const std::shared_ptr<websocket_core>& core() const noexcept { return core_; }
  friend bool operator==(const websocket&, const websocket&) noexcept = default;

 private:
  std::shared_ptr<websocket_core> core_;
};

/// What a service does with its WebSockets; each may be left out. Called on the socket's thread,
/// several at once if there are several threads. An exception that leaves one becomes a line in
/// the error log and ends the connection with 1011.
///
///     web.websocket("/echo", {.message = [](auto& socket, auto payload, auto kind) {
///       socket.send(payload, kind);
///     }});
struct websocket_behaviour {
  /// The handshake is done. The request is the whole one, valid during the call.
  std::function<void(websocket&, const request&)> open = {};
  /// A whole message, decompressed; a text is UTF-8. The view is valid during the call.
  std::function<void(websocket&, std::string_view payload, message_kind kind)> message = {};
  /// After `backlogged` or `dropped`: half of `high_water` or less waits now.
  std::function<void(websocket&)> drained = {};
  /// A client's answer to a ping, or one that nobody asked for.
  std::function<void(websocket&, std::string_view payload)> pong = {};
  /// The last call for this socket: exactly one for each `open`.
  std::function<void(websocket&, const websocket_end& how)> closed = {};
};

}  // namespace baton::http

#pragma once

#include <any>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "baton/http/websocket.hpp"
#include "baton/net/gate.hpp"
#include "http/engine/message_deflation.hpp"
#include "http/engine/websocket_handshake.hpp"
#include "http/engine/websocket_reader.hpp"
#include "http/prepared_message.hpp"
#include "http/topic_members.hpp"
#include "http/websocket_route.hpp"
#include "http/websocket_transport.hpp"

namespace baton::http {

/// One WebSocket between its application and its transport: messages, pings, the closing
/// handshake, the backlog. No I/O.
///
///     fresh -> open -> closing -> ended      closing: we said close, the client has not yet
///                \-> failed ----/            failed: to be cut in a turn of its own
///
/// Invariants: callbacks run only within the transport's calls, `closed` last and once for each
/// `open`; after our close frame no message is sent or delivered; every wait has its deadline.
/// Lives on one loop; its handles may outlive the transport.
class websocket_core final : public std::enable_shared_from_this<websocket_core> {
 public:
  /// `route` outlives it. `agreed` is a handshake that was not refused.
  websocket_core(const websocket_route& route, const engine::websocket_handshake& agreed,
                 engine::websocket_workshop& shared, boost::asio::io_context& context);
  ~websocket_core();
  websocket_core(const websocket_core&) = delete;
  websocket_core& operator=(const websocket_core&) = delete;

  // What the transport calls. It holds a reference to the core meanwhile, and lets go of it after
  // `finish`, `cut`, `on_lost` and `drop`.

  /// The answer to the handshake was put out. Over the route's cap the client is told 1013.
  /// `names`: of the route's parameters.
  void open(websocket_transport& over, const http::request& asked,
            const std::vector<std::string>& names);
  /// Takes bytes, unmasking them in place, and does what they ask for. Returns how many were taken:
  /// the rest comes again once `wants_input`.
  std::size_t receive(std::span<char> input);
  /// False while the client does not take what we sent already.
  [[nodiscard]] bool wants_input() const noexcept { return transport_ != nullptr && !choked_; }
  /// Something went out; so many bytes wait still.
  void on_drained(std::size_t waiting);
  void on_deadline();
  /// The client is gone, or the transport broke: nothing can be sent.
  void on_lost();
  /// Tells the client 1001, as soon as no message is half received.
  void announce();
  /// Tells the client 1001 if it was not told, and ends; the transport sends that if it can.
  void drop();

  // What the handle calls.

  send_status send(std::string_view payload, message_kind kind);
  send_status send(detail::prepared_message& message);
  void ping(std::string_view payload);
  /// `code` may be sent.
  void close(close_code code, std::string_view reason);
  [[nodiscard]] bool is_open() const noexcept { return state_ == state::open; }
  [[nodiscard]] std::size_t buffered() const noexcept { return backlog_; }
  [[nodiscard]] std::string_view subprotocol() const noexcept { return subprotocol_; }
  [[nodiscard]] bool compressed() const noexcept { return deflation_.has_value(); }
  [[nodiscard]] const websocket_request& request() const noexcept { return request_; }
  [[nodiscard]] std::any& data() noexcept { return data_; }
  [[nodiscard]] boost::asio::io_context& context() const noexcept { return context_; }

  // What topics call.

  /// Sends what was published, with one call of the transport for all small messages.
  void send_all(std::span<const publication> messages);
  [[nodiscard]] std::vector<subscription>& subscriptions() noexcept { return subscriptions_; }

 private:
  enum class state : std::uint8_t { fresh, open, closing, failed, ended };
  enum class awaited : std::uint8_t { nothing, beat, pong, close, failure };
  enum class ending : std::uint8_t { finish, cut, none };
  using event = engine::websocket_reader::event;

  // websocket_core.cpp: what comes in, and the end
  [[nodiscard]] bool take(event found, websocket& self);
  void take_message(websocket& self);
  void take_close(websocket& self);
  void refuse(const engine::websocket_refusal& why, websocket& self);
  void conclude(ending how, const websocket_end& end, websocket& self);
  template <class Call>
  void call_out(std::string_view what, Call call);
  void leave();

  // websocket_core_time.cpp: what happens when nothing comes
  [[nodiscard]] std::chrono::milliseconds beat_period() const noexcept;
  [[nodiscard]] std::chrono::milliseconds beat_step() const noexcept;
  void arm(awaited next, std::chrono::milliseconds after);
  void start_beat();
  void on_beat(websocket& self);
  void count_time(std::uint32_t passed) noexcept;

  // websocket_core_output.cpp: what goes out
  [[nodiscard]] bool has_room(std::size_t size) const noexcept;
  [[nodiscard]] const detail::shared_frame& frame_of(detail::prepared_message& message);
  void append(std::string_view head, std::string_view payload);
  void put_control(engine::opcode code, std::string_view payload);
  void say_close(close_code code, std::string_view reason);
  send_status account(std::size_t waiting) noexcept;
  send_status overflow();
  void fail_soon(const websocket_end& end);
  void note_sent() noexcept;

  const websocket_route& route_;
  engine::websocket_workshop& shared_;
  boost::asio::io_context& context_;
  websocket_transport* transport_ = nullptr;  // null: fresh or ended
  listener_tally* tally_ = nullptr;           // null: nobody counts
  engine::websocket_reader reader_;
  std::optional<engine::message_deflation> deflation_;
  std::size_t backlog_ = 0;
  std::string_view subprotocol_;
  net::slot slot_;
  websocket_end failure_;  // why it is cut soon; its reason lives for ever
  std::vector<subscription> subscriptions_;
  std::any data_;
  websocket_request request_;
  std::uint32_t silent_ms_ = 0;             // since the last sign of life, as far as beats tell
  std::uint32_t quiet_ms_ = 0;              // since the last message
  std::uint32_t unfinished_ms_ = 0;         // of the message that is being received
  close_code said_ = close_code::abnormal;  // in our close frame
  state state_ = state::fresh;
  awaited awaited_ = awaited::nothing;
  bool opened_ = false;   // the application knows it
  bool leaving_ = false;  // close at the next message boundary
  bool choked_ = false;   // too much waits for the client: do not read
  bool wants_drained_ = false;
  bool heard_ = false;    // since the last beat: a byte came or was taken
  bool spoke_ = false;    // since the last beat: a message came or went
  bool halfway_ = false;  // since the last beat at least: a message is being received
  bool waited_ = false;   // at the last beat: something waited for the client
};

}  // namespace baton::http

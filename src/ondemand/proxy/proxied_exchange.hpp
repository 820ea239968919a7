#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "baton/http/request.hpp"
#include "baton/http/responder.hpp"
#include "baton/http/tunnel.hpp"
#include "baton/net/timer_wheel.hpp"
#include "baton/ondemand/forward_options.hpp"
#include "http/client/answer_parser.hpp"
#include "http/client/upstream_pool.hpp"
#include "ondemand/proxy/forward_observer.hpp"
#include "ondemand/proxy/forwarding.hpp"
#include "ondemand/proxy/websocket_watch.hpp"

namespace baton::ondemand {

class proxy;

/// Names an exchange for a call that may come when it is over.
struct exchange_ticket {
  std::uint32_t index = 0;
  std::uint32_t serial = 0;
};

/// What one forwarded request needs.
struct forward_order {
  const http::request& asked;
  http::body_reader body;
  http::responder client;
  http::client::upstream_pool& pool;
  const forward_options& how;
  forward_observer* observer = nullptr;
};

/// One request on its way to the upstream, and its answer on the way back; or the tunnel that they
/// became.
///
/// Invariants: nothing waits in it but what the slower side has not taken (64 KiB, and what came
/// with them), the faster side is held back; what failed before the client was told anything is
/// told by its name, what failed later cuts the client off, so that it takes no part for the whole;
/// only what cannot have been done is sent again. Lives on one loop, in its proxy's table.
class proxied_exchange final : public http::client::upstream_user,
                               public http::tunnel_events,
                               public net::deadline {
 public:
  proxied_exchange(proxy& of, net::loop& on) noexcept : proxy_{of}, loop_{on} {}

  void begin(exchange_ticket as, forward_order&& order);
  [[nodiscard]] exchange_ticket ticket() const noexcept { return ticket_; }

  // What is heard of the client, by way of the proxy's table.
  void client_left();
  void body_piece(error_code error, std::string_view piece);
  void client_takes_more(error_code error);
  void send_head_alone();

  // upstream_user
  void on_connection(http::client::upstream_connection& with) override;
  void on_no_connection(error_code why) override;
  void on_bytes(std::string_view bytes) override;
  void on_sent() override;
  void on_end(error_code why) override;

  // tunnel_events
  void on_bytes(std::span<char> bytes) override;
  void on_end() override;
  void on_lost(error_code why) override;
  void on_writable() override;
  void on_drain() override;

 private:
  enum class awaits : std::uint8_t { nothing, connection, go_on, answer, piece };
  enum class upload : std::uint8_t { none, held, flowing, complete, broken };

  void on_deadline() override;
  void wait_for(awaits what, std::chrono::milliseconds most);

  // proxied_exchange.cpp: the request on its way
  void ask_for_connection(http::client::upstream_pool::wants what);
  void send_request();
  void send_head();
  void read_body();
  void send_piece(std::string_view piece);
  void end_body();
  void send_last_chunk();
  void body_failed(error_code error);
  [[nodiscard]] bool may_repeat() const noexcept;
  bool repeat();
  void fail(proxy_failure why, std::string_view text);
  void tell_client(proxy_failure why, std::string_view text);
  void finish(proxy_failure why);
  void release_connection();
  [[nodiscard]] std::string place() const;

  // proxied_answer.cpp: the answer on its way
  void take_interim();
  void open_answer(std::string_view first_piece);
  void write_answer(std::string_view piece);
  void complete_answer(bool nothing_behind);
  void refuse_answer();
  void arm_piece();

  // proxied_tunnel.cpp
  void open_tunnel(std::string_view behind);
  void to_client(std::string_view bytes);
  void end_tunnel_if_over();
  void say_goodbye();
  [[nodiscard]] bool confirms_key() const;
  void refuse_key();

  proxy& proxy_;
  net::loop& loop_;
  exchange_ticket ticket_;
  const http::request* asked_ = nullptr;
  const forward_options* how_ = nullptr;
  forward_observer* observer_ = nullptr;
  http::client::upstream_pool* pool_ = nullptr;
  http::client::upstream_connection* connection_ = nullptr;
  std::optional<http::body_reader> body_;
  std::optional<http::responder> client_;
  std::optional<http::body_writer> writer_;
  http::tunnel tunnel_;
  std::optional<websocket_watch> watch_;  // of what the upstream sends
  enum class farewell : std::uint8_t { none, wanted, said };
  farewell farewell_ = farewell::none;

  http::client::answer_parser parser_;
  http::client::answer answer_;
  std::string head_;        // of the request
  std::string key_;         // of a WebSocket whose client has none: RFC 8441
  std::string lines_;       // of the answer
  std::string kept_piece_;  // of the body, while a new connection is opened for it
  request_framing framing_;
  forward_result result_;
  awaits awaits_ = awaits::nothing;
  upload upload_ = upload::none;
  bool head_sent_ = false;
  bool head_pending_ = false;  // the answer's header is known, the client not told
  bool body_read_ = false;     // some of the request's body
  bool body_sent_ = false;
  bool reading_ = false;
  bool repeated_ = false;
  bool writing_ = false;       // within body_writer::write
  bool client_waits_ = false;  // write's completion is to come
  bool client_gone_ = false;   // learned within a write
  bool tunnelled_ = false;
  bool ending_ = false;  // what is heard now changes nothing any more
  bool upstream_ended_ = false;
  bool client_ended_ = false;
};

}  // namespace baton::ondemand

#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "baton/net/connection.hpp"
#include "baton/net/poller.hpp"
#include "baton/net/registry.hpp"
#include "baton/net/timer_wheel.hpp"
#include "http/abandoned_requests.hpp"
#include "http/body_budget.hpp"
#include "http/engine/http2.hpp"
#include "http/engine/http2_events.hpp"
#include "http/flush_list.hpp"
#include "http/http2_exchange.hpp"
#include "http/shard.hpp"

namespace baton::http {

/// One HTTP/2 connection.
///
/// Invariants: requests that were begun are answered (drain deadline aside); whoever is to go is
/// told twice, GOAWAY for all streams first and, a round trip later, the final one; nothing is
/// collected while the client does not take what was. Lives on one loop, and belongs to its
/// poller from `begin` on.
class http2_session final : public net::pollable,
                            public net::drainable,
                            public net::deadline,
                            public flushable,
                            private engine::http2_events {
 public:
  using clock = std::chrono::steady_clock;

  http2_session(shard& of, net::connection&& connection);
  ~http2_session() override;

  /// Begins with what the socket has.
  void start();
  /// Goes on with what was received already.
  void begin(std::string_view input);
  /// The same behind "Upgrade: h2c": `first` is the request that asked, `settings` its
  /// HTTP2-Settings; the 101 stands in the shard's buffer.
  void begin_upgraded(const request& first, std::string_view settings, std::string_view input);

  void on_ready(std::uint32_t events) override;
  void announce() override;
  void close_when_idle() override;
  void drop(error_code reason) override;
  void flush_now() override;
  /// The shard's limits are others now.
  void limits_changed();

  // For the exchanges.
  [[nodiscard]] engine::http2& engine() noexcept { return engine_; }
  [[nodiscard]] shard& on() noexcept { return shard_; }
  [[nodiscard]] listener_tally& tally() noexcept { return tally_; }
  /// Something is to be sent: soon, unless this is our turn.
  void send_soon();
  void give(http2_exchange& to, response answer);
  /// `length`, if it is known, of what `body` gives.
  void give_head(http2_exchange& to, const response& head, engine::http2_source& body,
                 const std::uint64_t* length = nullptr);
  void open_tunnel(http2_exchange& of, const response& head,
                   std::shared_ptr<detail::tunnel_core> core);

 private:
  enum class ending : std::uint8_t { none, held, notified, goaway, linger, closed };

  engine::http2_stream& open() override;
  void head(engine::http2_stream& of) override;
  void body(engine::http2_stream& of, std::string_view piece) override;
  void end(engine::http2_stream& of) override;
  void refused(engine::http2_stream& of, const engine::refusal& why) override;
  void closed(engine::http2_stream& of, engine::http2_error why) override;
  void pong() override;
  void failed(engine::http2_error code, std::string_view why) override;

  template <class Work>
  void turn(Work work);
  void on_deadline() override;
  void read_some();
  void feed(std::string_view input);
  void pump();
  void send_kept();
  void send_out();
  void settle();
  void arm();
  void watch();
  [[nodiscard]] bool is_new() const noexcept { return requests_ == 0 && streams_.empty(); }
  void notify();
  void last_goaway(std::string_view why);
  [[nodiscard]] std::string_view farewell() const noexcept;
  void linger();
  void discard_input();
  void discard_unread();
  void close();

  // http2_session_life.cpp
  [[nodiscard]] clock::time_point life_due() const noexcept;
  void heard(clock::time_point now) noexcept;
  [[nodiscard]] bool silent(clock::time_point now) const noexcept;
  [[nodiscard]] bool catches_up(clock::time_point now) noexcept;
  void probe(clock::time_point now);
  void grow_old(clock::time_point now);
  [[nodiscard]] bool outstayed(clock::time_point now) const noexcept;

  // http2_session_requests.cpp
  [[nodiscard]] bool overworked() const noexcept;
  void dispatch(http2_exchange& of);
  void call(http2_exchange& of);
  void call_later(http2_exchange& of);
  void respond(http2_exchange& to, response answer);

  // http2_session_tunnels.cpp
  void connect(http2_exchange& of);
  void open_websocket(http2_exchange& of);

  // http2_session_bodies.cpp
  [[nodiscard]] http2_exchange* oldest_collected() const noexcept;
  void collect(http2_exchange& of, std::string_view piece);
  std::size_t give_back_body(http2_exchange& of);
  void let_bodies_on();
  [[nodiscard]] std::chrono::milliseconds patience_for(const http2_exchange& of) const noexcept;
  void time_out_bodies(clock::time_point now);
  void time_out_rest(http2_exchange& of, clock::time_point now);

  [[nodiscard]] bool blocked() const noexcept {
    return kept_ != nullptr || connection_.unsent() != 0;
  }

  shard& shard_;
  net::connection connection_;
  listener_tally& tally_;
  engine::http2 engine_;
  body_budget bodies_;
  abandoned_requests abandoned_;
  std::vector<http2_exchange*> streams_;  // open
  http2_exchange* upgraded_ = nullptr;    // the request that asked for h2c, until it is served
  std::unique_ptr<std::string> kept_;     // what the client did not take yet
  std::size_t kept_sent_ = 0;
  clock::time_point since_;  // idle, reading a header, or blocked since
  clock::time_point due_;    // when the timer fires
  clock::time_point told_;   // when the first GOAWAY went
  clock::time_point born_{since_};
  clock::time_point quiet_since_{since_};  // the client's last byte, or our PING behind it
  std::uint64_t requests_ = 0;
  std::uint32_t events_ = 0;
  std::uint32_t discarded_ = 0;
  int under_way_ = 0;  // bytes in the socket before our PING
  ending ending_ = ending::none;
  bool probing_ = false;     // a PING of keepalive asks for a byte
  bool early_ping_ = false;  // the PING that is out went before GOAWAY, and says nothing of it
  bool aged_ = false;        // it is to go for its age
  bool ponged_ = false;
  bool failed_ = false;
  bool lost_ = false;
  bool working_ = false;
  bool watched_ = false;
  bool listed_ = false;
  bool was_idle_ = true;
  bool was_in_header_ = false;
  bool was_blocked_ = false;
};

}  // namespace baton::http

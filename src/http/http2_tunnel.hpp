#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "baton/net/timer_wheel.hpp"
#include "http/http2_upgraded.hpp"
#include "http/output_buffer.hpp"
#include "http/send_queue.hpp"
#include "http/websocket_core.hpp"
#include "http/websocket_transport.hpp"

namespace baton::http {

class http2_exchange;
class http2_session;

/// A WebSocket within a stream of HTTP/2 (RFC 8441). The stream's windows hold both sides back.
///
/// Invariant: once either side has ended, the stream ends: a client that does not end its own has
/// `linger_timeout` for that.
class http2_tunnel final : public http2_upgraded, public websocket_transport, public net::deadline {
 public:
  http2_tunnel(http2_session& within, http2_exchange& stream, std::shared_ptr<websocket_core> core);
  ~http2_tunnel() override;

  void open();
  /// Bytes of the stream; they are unmasked in place.
  void receive(std::span<char> bytes) override;
  /// The client has ended its side: as the end of a connection (section 5), once what came before
  /// it is taken.
  void end() override;
  void lose() override;
  void announce() override;
  void drop() override;

  // websocket_transport
  [[nodiscard]] output_buffer& output() override { return out_; }
  std::size_t written() override;
  std::size_t written_with(std::string_view payload) override;
  std::size_t written_with(std::shared_ptr<const std::string> payload) override;
  void arm(std::chrono::milliseconds after) override;
  void disarm() noexcept override;
  void finish() override;
  void cut() override;
  [[nodiscard]] boost::asio::io_context& context() noexcept override;
  [[nodiscard]] listener_tally* tally() noexcept override;

  // engine::http2_source
  [[nodiscard]] piece ready() noexcept override;
  void sent(std::size_t bytes) noexcept override;

 private:
  void on_deadline() override;
  void take_kept();
  void linger();
  void gather();
  std::size_t pass_on();

  http2_session& session_;
  http2_exchange& stream_;
  std::shared_ptr<websocket_core> core_;
  output_buffer out_;
  send_queue queue_;
  std::string input_;   // what the core does not take yet
  bool over_ = false;   // the core has said its last
  bool ended_ = false;  // nothing follows `input_`
};

}  // namespace baton::http

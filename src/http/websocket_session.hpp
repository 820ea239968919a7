#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "baton/net/connection.hpp"
#include "baton/net/poller.hpp"
#include "baton/net/registry.hpp"
#include "baton/net/timer_wheel.hpp"
#include "http/flush_list.hpp"
#include "http/send_queue.hpp"
#include "http/shard.hpp"
#include "http/websocket_core.hpp"
#include "http/websocket_transport.hpp"

namespace baton::http {

/// A WebSocket on a connection of its own, behind the 101 of HTTP/1.1.
///
/// Invariants: while the core says that it wants no input, nothing is read from the socket; frames
/// go out in one system call a turn; between messages it holds no buffer. Lives on one loop, and
/// belongs to its poller from `begin` on.
class websocket_session final : public net::pollable,
                                public net::drainable,
                                public net::deadline,
                                public websocket_transport,
                                public flushable {
 public:
  websocket_session(shard& of, net::connection&& connection, std::shared_ptr<websocket_core> core);
  ~websocket_session() override;

  /// Within a turn of the connection's old session, whose answer stands in the shard's buffer.
  /// `input` came behind the handshake; `names`: of the route's parameters.
  void begin(request& asked, const std::vector<std::string>& names, std::span<char> input);

  void on_ready(std::uint32_t events) override;
  void announce() override;
  void close_when_idle() override {}  // it was told, and is awaited
  void drop(error_code reason) override;
  void flush_now() override { end_turn(); }

  // websocket_transport
  [[nodiscard]] output_buffer& output() override { return working_ ? shard_.out : own_output(); }
  std::size_t written() override;
  std::size_t written_with(std::string_view payload) override;
  std::size_t written_with(std::shared_ptr<const std::string> payload) override;
  void arm(std::chrono::milliseconds after) override { shard_.on.timers().arm(*this, after); }
  void disarm() noexcept override { shard_.on.timers().cancel(*this); }
  void finish() override { end(ending::finish); }
  void cut() override { end(ending::cut); }
  [[nodiscard]] boost::asio::io_context& context() noexcept override { return shard_.on.context(); }
  [[nodiscard]] listener_tally* tally() noexcept override { return &tally_; }

 private:
  enum class ending : std::uint8_t { none, finish, linger, cut, closed };

  template <class Work>
  void turn(Work work);
  void on_deadline() override;
  void read_some();
  void take(std::span<char> input);
  void take_kept();
  void end_work();
  void end_turn();
  void end(ending how);
  void linger();
  void discard_input();
  void close();
  void watch();

  [[nodiscard]] output_buffer& own_output();
  [[nodiscard]] std::size_t send_parts(iovec* parts, int count);
  void send_out(output_buffer& out);
  void keep_rest(output_buffer& out, std::size_t& sent);
  void flush_own();
  void send_waiting();
  void wait_for_turn();
  [[nodiscard]] bool blocked() const noexcept {
    return (queue_ != nullptr && !queue_->empty()) || connection_.unsent() != 0;
  }
  /// Bytes that the client does not take.
  [[nodiscard]] std::size_t waiting() const noexcept {
    return (queue_ != nullptr ? queue_->size() : 0) + connection_.unsent();
  }
  [[nodiscard]] bool wants_read() const noexcept;
  [[nodiscard]] send_queue& kept();

  shard& shard_;
  net::connection connection_;
  listener_tally& tally_;
  std::shared_ptr<websocket_core> core_;
  std::unique_ptr<send_queue> queue_;   // there while the client does not take all
  std::unique_ptr<std::string> input_;  // there while the core takes none
  std::unique_ptr<output_buffer> own_;  // there between a send out of turn and the turn
  std::uint32_t events_ = 0;
  std::uint32_t discarded_ = 0;
  ending ending_ = ending::none;
  bool working_ = false;  // it is this connection's turn: the thread's buffers are ours
  bool watched_ = false;
  bool listed_ = false;  // in the shard's flush list
  bool lost_ = false;    // the client is gone
};

}  // namespace baton::http

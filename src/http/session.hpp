#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "baton/net/connection.hpp"
#include "baton/net/poller.hpp"
#include "baton/net/registry.hpp"
#include "baton/net/timer_wheel.hpp"
#include "http/answering.hpp"
#include "http/engine/refusal.hpp"
#include "http/response_writer.hpp"
#include "http/shard.hpp"

namespace baton::http {

/// One HTTP/1.1 connection.
///
/// Invariants: requests are answered in their order, the next one is not begun before the answer
/// to this one was taken; while output waits for the client, or a handler for its turn, nothing is
/// read from the socket; a connection that we end is told so, is shut down for writing and read
/// empty, so that no reset overtakes the answer. Without a request in flight it holds nothing but
/// itself. Lives on one loop; registered with the poller only if it outlives its first read.
class session final : public net::pollable,
                      public net::drainable,
                      public net::deadline,
                      public answering {
 public:
  session(shard& of, net::connection&& connection);
  ~session() override;

  /// Reads at once, as the request is often there already, unless it is known not to be. False if
  /// the connection is over by then; true if it belongs to the loop now.
  [[nodiscard]] bool start();

  void on_ready(std::uint32_t events) override;
  void announce() override;
  void close_when_idle() override;
  void drop(error_code reason) override;

  [[nodiscard]] bool can_work() const noexcept override { return !shard_.busy; }
  void answer(response answer) override;
  void want_body() override { resume(); }
  void inform(unsigned status, std::string_view lines) override;
  bool open_stream(const response& head, std::optional<std::uint64_t> length) override;
  void stream_piece(std::string_view chunk) override;
  void finish_stream(std::string_view trailers) override;
  void cut() override;
  void open_tunnel(const response& head, std::shared_ptr<detail::tunnel_core> core) override;

 private:
  enum class waits : std::uint8_t { nothing, first, idle, header, body, write, linger };

  /// What could not be dealt with at once; there only while it is needed.
  struct carry {
    std::string input;  // pipelined behind a request that is not answered yet
    std::string output;
    std::size_t output_sent = 0;
    response_writer::body_variant body;  // behind `output`
    std::size_t body_sent = 0;

    [[nodiscard]] std::size_t unsent() const noexcept {
      return output.size() - output_sent + response_writer::view(body).size() - body_sent;
    }
    [[nodiscard]] std::string take_unsent() const {
      return output.substr(output_sent).append(response_writer::view(body).substr(body_sent));
    }
  };

  void on_deadline() override;

  // session.cpp: reading, waiting, ending
  void read_some();
  void process(std::string_view input);
  void resume();
  void settle();
  [[nodiscard]] std::chrono::milliseconds body_patience() const noexcept;
  void arm();
  void watch();
  void retire_politely();
  void discard_input();
  void part();
  void linger();
  void close();
  [[nodiscard]] bool wants_read() const noexcept;
  [[nodiscard]] bool owes_answer() const noexcept;
  [[nodiscard]] bool input_waits() const noexcept;
  [[nodiscard]] bool hears_leaving() const noexcept;
  [[nodiscard]] bool drains() const noexcept {  // asked once for each answer
    return shard_.closing ||
           (shard_.announced && told_ == shard_.drains && shard_.farewells.allows());
  }
  [[nodiscard]] bool idle() const noexcept { return exchange_ == nullptr && !blocked(); }
  [[nodiscard]] bool blocked() const noexcept {
    return (carry_ != nullptr && carry_->unsent() != 0) || connection_.unsent() != 0;
  }
  /// Bytes that wait for the client.
  [[nodiscard]] std::size_t queued() const noexcept {
    return (carry_ != nullptr ? carry_->unsent() : 0) + connection_.unsent();
  }
  [[nodiscard]] waits awaited() const noexcept;

  // session_requests.cpp: from bytes to answers
  bool advance(std::string_view& input);
  bool advance_head(std::string_view& input);
  bool advance_body(std::string_view& input);
  bool advance_reader(std::string_view& input);
  void dispatch(std::string_view& input);
  void answer_unread(response&& answer, bool more);
  void call(bool more);
  template <class Call>
  void call_later(bool more, Call call);
  void respond(response answer, bool more);

  // session_upgrade.cpp: from HTTP/1.1 to another protocol
  void open_websocket(std::string_view& input);
  void note_upgrade();
  void open_ordered_tunnel(std::string_view& input);
  void become_tunnel(const response& head, std::shared_ptr<detail::tunnel_core> core,
                     std::string_view& input);
  [[nodiscard]] bool becomes_http2(std::string_view& input);
  [[nodiscard]] bool upgrades_to_http2(std::string_view& input);
  [[nodiscard]] net::connection give_up();
  void refuse(const engine::refusal& why);
  void put_answer(response& answer, bool last);
  void put_chunk(std::string_view piece);
  void put_last_chunk(const response& answer);
  void finish_exchange();
  void end(bool politely) noexcept;

  // session_output.cpp: from answers to bytes on the wire
  void flush();
  void put_body(response& answer);
  void send_now(std::string_view head, response_writer::body_variant body);
  void send_carry();
  void made_progress();
  [[nodiscard]] ending frame_stream(const response& head, std::optional<std::uint64_t> length);
  template <class... Piece>
  void send_pieces(const Piece&... pieces);
  std::size_t transmit(struct iovec* parts, int count);
  void put_piece(std::string_view head, std::string_view piece);
  carry& carried();

  shard& shard_;
  net::connection connection_;
  listener_tally& tally_;
  std::unique_ptr<http1_exchange> exchange_;
  std::unique_ptr<carry> carry_;
  std::uint32_t requests_ = 0;
  std::uint32_t events_ = 0;
  std::uint32_t discarded_ = 0;
  waits waits_ = waits::nothing;
  bool renew_ = false;  // progress was made: what we wait for gets its whole time again
  bool watched_ = false;
  bool starting_ = true;
  bool calling_ = false;      // a handler that answers later runs
  std::uint32_t told_ = 0;    // the drain (shard::drains) that this client is to be told of
  std::uint8_t preface_ = 0;  // bytes of HTTP/2's preface that the connection began with
  bool ending_ = false;       // the last answer was given
  bool polite_ = false;       // the client asked for that end: nothing more can come
  bool lingering_ = false;
  bool peer_done_ = false;  // the client will send nothing more
  bool closed_ = false;
};

}  // namespace baton::http

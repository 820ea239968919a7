#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "baton/base/unique_fd.hpp"
#include "baton/net/acceptor.hpp"
#include "baton/net/address.hpp"
#include "baton/net/gate.hpp"
#include "baton/net/poller.hpp"
#include "baton/net/registry.hpp"
#include "baton/net/timer_wheel.hpp"
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
class session final : public net::pollable, public net::drainable, public net::deadline {
 public:
  session(shard& of, net::accepted&& connection);
  ~session() override;

  /// Reads at once: the request is often there already. False if the connection is over by then;
  /// true if it belongs to the loop now.
  [[nodiscard]] bool start();

  void on_ready(std::uint32_t events) override;
  void announce() override {}  // the shard knows
  void close_when_idle() override;
  void drop(error_code reason) override;

  // What a link asks for, on the loop's thread; `answer`, `want_body` and `finish_stream` (unless
  // the session's own handler runs) only while `can_work`.
  /// False while some session of the loop is at work, and the thread's buffers with it.
  [[nodiscard]] bool can_work() const noexcept { return !shard_.busy; }
  void answer(response answer);
  void want_body() { resume(); }
  void open_stream(response head);
  void stream_piece(std::string chunk);
  void finish_stream(std::string trailers);
  void cut();

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
  };

  void on_deadline() override;

  // session.cpp: reading, waiting, ending
  void read_some();
  void process(std::string_view input);
  void resume();
  void settle();
  void arm();
  void watch();
  void retire_politely();
  void discard_input();
  void linger();
  void close();
  [[nodiscard]] bool wants_read() const noexcept;
  [[nodiscard]] bool owes_answer() const noexcept;
  [[nodiscard]] bool input_waits() const noexcept;
  [[nodiscard]] bool idle() const noexcept { return exchange_ == nullptr && !blocked(); }
  [[nodiscard]] bool blocked() const noexcept { return carry_ != nullptr && carry_->unsent() != 0; }
  [[nodiscard]] waits awaited() const noexcept;

  // session_requests.cpp: from bytes to answers
  bool advance(std::string_view& input);
  bool advance_head(std::string_view& input);
  bool advance_body(std::string_view& input);
  bool advance_reader(std::string_view& input);
  void dispatch(std::string_view& input);
  void unrouted(const router::match& found, bool more);
  response run(const plain_handler& handler);
  void call(bool more);
  template <class Call>
  void call_later(bool more, Call call);
  void respond(response answer, bool more);
  void refuse(const engine::refusal& why);
  void put_answer(response& answer, bool last);
  void finish_exchange();
  void end(bool politely) noexcept;

  // session_output.cpp: from answers to bytes on the wire
  void flush();
  void put_body(response& answer);
  void send_now(std::string_view head, response_writer::body_variant body);
  void send_carry();
  void send_pieces(std::string_view first, std::string_view second, std::string_view third);
  std::size_t transmit(struct iovec* parts, int count);
  void put_piece(std::string_view head, std::string_view piece);
  carry& carried();

  shard& shard_;
  unique_fd fd_;
  net::slot slot_;
  net::address peer_;
  const net::listener* from_;
  std::unique_ptr<exchange> exchange_;
  std::unique_ptr<carry> carry_;
  std::uint32_t requests_ = 0;
  std::uint32_t events_ = 0;
  std::uint32_t discarded_ = 0;
  waits waits_ = waits::nothing;
  bool renew_ = false;  // progress was made: what we wait for gets its whole time again
  bool watched_ = false;
  bool starting_ = true;
  bool calling_ = false;  // a handler that answers later runs
  bool ending_ = false;   // the last answer was given
  bool polite_ = false;   // the client asked for that end: nothing more can come
  bool lingering_ = false;
  bool peer_done_ = false;  // the client will send nothing more
  bool closed_ = false;
};

}  // namespace baton::http

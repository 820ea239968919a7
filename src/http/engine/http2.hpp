#pragma once

#include <boost/intrusive/list.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "baton/http/response.hpp"
#include "http/engine/frame_meter.hpp"
#include "http/engine/http2_error.hpp"
#include "http/engine/http2_events.hpp"
#include "http/engine/http2_head.hpp"
#include "http/engine/http2_settings.hpp"
#include "http/engine/http2_stream.hpp"
#include "http/output_buffer.hpp"

struct nghttp2_session;
struct nghttp2_session_callbacks;

namespace baton::http::engine {

/// The server's side of one HTTP/2 connection (RFC 9113), without any I/O: bytes in, events and
/// bytes out.
///
/// Invariants: the same bytes give the same events however they were split (pieces of bodies
/// aside), as long as the same was collected in between; what a client can make the connection
/// hold or do is bounded by http2_limits; a stream that was opened is reported closed exactly
/// once; after `over` nothing happens any more. Not for several threads at once.
class http2 {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  /// Both must outlive the engine.
  http2(const http2_settings& how, http2_events& to);
  ~http2();
  http2(const http2&) = delete;
  http2& operator=(const http2&) = delete;

  /// For a connection that came by "Upgrade: h2c" (RFC 7540 section 3.2), before anything else:
  /// `first` holds the complete request, `settings` is the HTTP2-Settings field. Answered like
  /// any other; neither `head` nor `end` is reported. False, and nothing happened, if the field is
  /// malformed.
  [[nodiscard]] bool upgrade(http2_stream& first, std::string_view settings);

  // Neither of these two from within an event.
  /// Takes all of `input`.
  void feed(std::string_view input, time_point now);
  /// Appends what is to be sent, up to `most` bytes and one frame: see wants_write.
  void collect(output_buffer& to, std::size_t most, time_point now);

  // Answers. All of these do nothing for a stream that was reset meanwhile.
  /// The whole answer. `date` is for an answer that brings none.
  void respond(http2_stream& to, response answer, std::string_view date);
  /// The head of an answer (its own body is left out), and where its body comes from: not asked
  /// for the answers that have none (HEAD, 204, 304). `length` is told, if there is one.
  void respond(http2_stream& to, const response& head, std::string_view date, http2_source& body,
               const std::uint64_t* length = nullptr);
  /// The source has something now.
  void resume(http2_stream& of);
  /// An interim answer with fields from lines of "Name: value\r\n", if no answer was begun; left
  /// out if the client does not take what waits for it.
  void inform(http2_stream& to, unsigned status, std::string_view lines);
  /// 100 Continue, if no answer was begun.
  void go_on(http2_stream& to);
  /// The handler has taken so much of the body: the client may send as much again.
  void consume(http2_stream& of, std::size_t bytes);
  /// The same, but the client may not send more on this stream before `let_on`: others may, for
  /// the connection's window is as wide as before.
  void hold_back(http2_stream& of, std::size_t bytes);
  void let_on(http2_stream& of);
  /// From now on the body may have this many bytes more.
  static void limit_body(http2_stream& of, std::uint64_t most) noexcept { of.body_left_ = most; }
  void reset(http2_stream& which, http2_error why);

  // The connection.
  /// Asks for a sign of life: http2_events::pong. One at a time.
  void ping();
  /// The client has one to answer.
  [[nodiscard]] bool pinging() const noexcept { return ping_out_; }
  // `why` is what GOAWAY tells the client in words; it must outlive the engine.
  /// GOAWAY without a last stream: requests that are on their way are still served.
  void shutdown_notice(std::string_view why);
  /// The final GOAWAY: what was not begun will not be; what was, is finished.
  void goaway(std::string_view why);
  /// GOAWAY with an error and the end: what is open is not answered.
  void terminate(http2_error code, std::string_view why);
  /// The connection is gone: reports every open stream closed. Nothing else may follow.
  void close();

  [[nodiscard]] bool wants_read() const noexcept;
  /// Whether `collect` has something to do. False while all that could be sent waits for the
  /// client's windows, and the engine knows since when.
  [[nodiscard]] bool wants_write() const noexcept;
  /// Nothing will be read or written any more: send what was collected, and close.
  [[nodiscard]] bool over() const noexcept { return !wants_read() && !wants_write(); }
  [[nodiscard]] std::size_t open_streams() const noexcept { return open_count_; }

  // For deadlines.
  /// Since when the stream that waits longest has had something to send and could not.
  [[nodiscard]] std::optional<time_point> stalled_since() const noexcept;
  /// Resets, with CANCEL, the streams that have been stalled since `then` or longer.
  void reset_stalled(time_point then);
  /// A request's header, or trailers, have begun and are not complete.
  [[nodiscard]] bool reading_header() const noexcept { return meter_.in_header(); }

 private:
  struct callbacks;  // what nghttp2 calls
  using open_list = boost::intrusive::list<
      http2_stream,
      boost::intrusive::member_hook<http2_stream, http2_stream::hook, &http2_stream::open_>,
      boost::intrusive::constant_time_size<false>>;
  using sending_list = boost::intrusive::list<
      http2_stream,
      boost::intrusive::member_hook<http2_stream, http2_stream::hook, &http2_stream::sending_>,
      boost::intrusive::constant_time_size<false>>;
  struct session_deleter {
    void operator()(nghttp2_session* of) const noexcept;
  };

  static const nghttp2_session_callbacks* callback_table();

  // http2.cpp
  void take(std::string_view input);
  void run(std::string_view input);
  void drain(output_buffer& to, std::size_t most);
  void fail(const http2_failure& why) noexcept;
  void break_off(const http2_failure& why) noexcept;
  void report_failure();
  void put_goaway(output_buffer& to);
  void explain_goaway(output_buffer& to, std::string_view frame) const;
  void stamp_new_waiters(time_point now) noexcept;
  [[nodiscard]] bool has_new_waiters() const noexcept {
    return !sending_.empty() && sending_.back().waits_since_ == time_point{};
  }
  void enter(http2_stream& opened, std::int32_t id);

  // http2_answers.cpp
  void submit(http2_stream& to, const response& head, std::string_view date,
              const std::uint64_t* length, bool body);
  void submit_interim(const http2_stream& to, unsigned status, std::string_view lines);
  void let_share(const http2_stream& of);
  void submit_reset(http2_stream& which, http2_error why);
  void queue_sending(http2_stream& of);

  // http2_callbacks.cpp: what happened
  [[nodiscard]] http2_stream* find(std::int32_t id) const noexcept;
  void begin_request(std::int32_t id);
  void begin_trailers(std::int32_t id);
  /// False if the stream was reset for it.
  [[nodiscard]] bool add_field(std::int32_t id, std::string_view name, std::string_view value);
  void end_head(std::int32_t id, bool ends);
  void end_trailers(std::int32_t id);
  void spoil(const http2_stream& which, http2_error why);
  void take_body(std::int32_t id, std::string_view piece);
  void end_body(std::int32_t id);
  void refuse(http2_stream& of, const refusal& why);
  void count_reset();
  void pong(const unsigned char* payload);
  void data_frame_sent(std::int32_t id, std::size_t length, bool ends);
  void end_answer(http2_stream& of);
  void take_rest(http2_stream& of, std::size_t bytes);
  void reset_sent(std::int32_t id, http2_error code);
  void goaway_frame_sent(http2_error code, std::string_view text);
  void answer_not_sent(std::int32_t id, int nghttp2_error);
  void stream_closed(std::int32_t id, http2_error code);
  long read_answer(http2_stream& of, std::size_t most, std::uint32_t& flags);
  int send_data(http2_stream& of, std::string_view frame_header);
  void note_progress(http2_stream& of);
  [[nodiscard]] std::size_t frame_room(std::int32_t id, std::size_t client_allows) const noexcept;

  const http2_settings& how_;
  http2_events& to_;
  std::unique_ptr<nghttp2_session, session_deleter> session_;
  frame_meter meter_;
  http2_head head_;
  open_list open_;
  sending_list sending_;  // the longest without progress first; those not stamped yet last
  std::size_t open_count_ = 0;
  http2_stream* receiving_ = nullptr;  // whose header block is being decoded
  http2_stream* recent_ = nullptr;     // the last that something happened to
  std::string_view chunk_;             // of the DATA frame that is being sent
  output_buffer* output_ = nullptr;    // while it is collected
  std::size_t output_end_ = 0;         // where it is full
  time_point now_{};
  http2_failure failure_;
  std::string failure_text_;   // if nghttp2 found it
  std::string begun_frame_;    // as much of its header as there is
  std::string_view farewell_;  // why the connection ends although nothing is wrong
  bool inside_ = false;        // nghttp2 is at work
  bool begun_ = false;         // something was collected
  bool failed_ = false;        // as `failure_` says
  bool told_ = false;          // ... and the owner knows
  bool broken_ = false;        // nghttp2 must not be used any more
  bool goaway_sent_ = false;   // if it is broken
  bool goaway_wanted_ = false;
  bool ping_out_ = false;
};

}  // namespace baton::http::engine

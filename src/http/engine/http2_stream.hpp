#pragma once

#include <boost/intrusive/list.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "baton/http/request.hpp"
#include "http/response_writer.hpp"

namespace baton::http::engine {

/// Where the body of an answer comes from that is not complete when the answer begins. Asked while
/// output is collected: it may call the engine's operations, but neither `feed` nor `collect`.
class http2_source {
 public:
  struct piece {
    std::string_view bytes;
    bool last = false;  ///< nothing follows `bytes`
  };

  /// What can be sent now, valid until `sent`. Nothing, and not the last: `resume` comes later.
  [[nodiscard]] virtual piece ready() noexcept = 0;
  /// So much of it is on its way: the client's windows are open that far.
  virtual void sent(std::size_t bytes) noexcept = 0;
  /// Lines of "Name: value\r\n" that follow the body; asked behind the last byte.
  [[nodiscard]] virtual std::string_view trailers() noexcept { return {}; }

 protected:
  ~http2_source() = default;
};

/// What the engine knows of one stream. Its owner derives his own knowledge from it, makes one when
/// the engine asks for it (http2_events::open), and has it back with http2_events::closed.
class http2_stream {
 public:
  explicit http2_stream(http::request& to) noexcept : request_{&to} {}
  http2_stream(const http2_stream&) = delete;
  http2_stream& operator=(const http2_stream&) = delete;

  [[nodiscard]] std::uint32_t id() const noexcept { return id_; }

  // Valid from http2_events::head on.
  /// The whole request is there.
  [[nodiscard]] bool complete() const noexcept { return complete_; }
  [[nodiscard]] bool expects_continue() const noexcept { return expects_continue_; }
  [[nodiscard]] std::optional<std::uint64_t> content_length() const noexcept {
    return content_length_;
  }
  /// What an extended CONNECT asks for ("websocket", RFC 8441); else empty. A view as long-lived
  /// as the request.
  [[nodiscard]] std::string_view protocol() const noexcept { return protocol_; }

  /// An answer was begun.
  [[nodiscard]] bool answered() const noexcept { return answered_; }
  /// The answer is on its way to its last byte.
  [[nodiscard]] bool finished() const noexcept { return finished_; }
  /// Bytes of the answer's body that went out; of one without a source.
  [[nodiscard]] std::size_t body_sent() const noexcept { return body_sent_; }
  /// Bytes of the body that were reported and not consumed yet.
  [[nodiscard]] std::size_t unconsumed() const noexcept { return unconsumed_; }
  /// Bytes that the client may not send again before `http2::let_on`.
  [[nodiscard]] std::size_t held_back() const noexcept { return held_back_; }

 protected:
  ~http2_stream() = default;
  /// Gives memory back that only unusual trailers need.
  void shed() noexcept {
    if (trailer_storage_.capacity() > usual_trailers) std::string{}.swap(trailer_storage_);
  }

 private:
  friend class http2;
  static constexpr std::size_t usual_trailers = 1024;
  using time_point = std::chrono::steady_clock::time_point;
  using hook = boost::intrusive::list_member_hook<
      boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

  /// As new, for its next life.
  void begin(std::uint32_t id, std::uint64_t max_body) noexcept {
    id_ = id;
    content_length_.reset();
    protocol_ = {};
    body_ = std::monostate{};
    trailers_ = {};
    body_sent_ = 0;
    source_ = nullptr;
    body_left_ = max_body;
    unconsumed_ = held_back_ = rest_taken_ = 0;
    complete_ = expects_continue_ = continued_ = prioritized_ = refused_ = false;
    answered_ = granted_ = finished_ = reset_ = false;
  }
  /// What is left of the body that came with the answer.
  [[nodiscard]] std::string_view rest() const noexcept {
    return response_writer::view(body_).substr(body_sent_);
  }

  /// What follows the answer's body.
  [[nodiscard]] std::string_view trailer_lines() const noexcept {
    return source_ != nullptr ? source_->trailers() : trailers_;
  }

  http::request* request_;
  hook open_;     // among all streams of the connection
  hook sending_;  // among those that have something to send
  time_point waits_since_{};
  std::optional<std::uint64_t> content_length_;
  std::string_view protocol_;
  response_writer::body_variant body_;
  std::string_view trailers_;    // of an answer without a source
  std::string trailer_storage_;  // keeps its memory for the next
  std::size_t body_sent_ = 0;
  http2_source* source_ = nullptr;
  std::uint64_t body_left_ = 0;
  std::size_t unconsumed_ = 0;
  std::size_t held_back_ = 0;
  std::size_t rest_taken_ = 0;  // of the request, behind the answer
  std::uint32_t id_ = 0;
  bool complete_ = false;
  bool expects_continue_ = false;
  bool continued_ = false;    // 100 Continue was sent
  bool prioritized_ = false;  // the client said how urgent it is
  bool refused_ = false;      // the rest of the request is thrown away
  bool answered_ = false;
  bool granted_ = false;  // an extended CONNECT was: both sides end for themselves
  bool finished_ = false;
  bool reset_ = false;  // by us, on our own account
};

}  // namespace baton::http::engine

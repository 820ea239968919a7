#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "baton/http/limits.hpp"
#include "baton/http/request.hpp"
#include "http/engine/chunk_line_scanner.hpp"
#include "http/engine/request_sink.hpp"
#include "http/engine/section_scanner.hpp"

namespace baton::http::engine {

enum class event : std::uint8_t {
  need_more,  ///< all input was taken; nothing to report yet
  head,       ///< the request's header is complete
  body,       ///< `piece()` is the next part of the body
  done,       ///< the message is complete; begin() before the next one
  refused     ///< `why()`; the connection cannot be used further
};

/// HTTP/1.1 requests out of bytes (RFC 9112), without any I/O.
///
/// Invariants: the same bytes give the same events however they were split (pieces of the body
/// aside); after `refused` nothing of the connection is looked at again; nothing but bounded
/// buffers is kept between two calls. What Beast's parser would let pass and another reader might
/// read differently is refused before or behind it: see request_sink.
class http1 {
 public:
  explicit http1(const limits& allowed) noexcept : limits_{&allowed} {}

  /// Starts over with the next message.
  void begin() noexcept;

  /// Takes bytes from the front of `input` and reports one event. The head's views stay in `input`
  /// if the header came in one piece (request_builder::keep_head), the body's pieces always.
  event next(std::string_view& input, request& into);

  [[nodiscard]] std::string_view piece() const noexcept { return sink_->piece; }
  [[nodiscard]] const refusal& why() const noexcept { return why_; }

  /// Nothing of a message was seen yet.
  [[nodiscard]] bool untouched() const noexcept { return stage_ == stage::head && stash_.empty(); }
  [[nodiscard]] bool complete() const noexcept { return stage_ == stage::complete; }
  // Valid from `head` on.
  [[nodiscard]] bool keep_alive() const { return sink_->keep_alive(); }
  /// The Connection field has "upgrade".
  [[nodiscard]] bool asks_upgrade() const { return sink_->upgrade(); }
  [[nodiscard]] bool expects_continue() const noexcept { return sink_->expects_continue; }
  [[nodiscard]] std::optional<std::uint64_t> content_length() const noexcept {
    return sink_->length;
  }
  [[nodiscard]] bool has_body() const noexcept { return !complete(); }
  /// From now on the body may have this many bytes (counted from its start).
  void limit_body(std::uint64_t most) noexcept { body_left_ = most; }

 private:
  enum class stage : std::uint8_t {
    head,
    body,
    chunk_line,
    chunk_data,
    trailers,
    complete,
    failed
  };

  event next_head(std::string_view& input, request& into);
  event next_body(std::string_view& input);
  event next_chunk_line(std::string_view& input, request& into);
  event next_chunk_data(std::string_view& input);
  event next_trailers(std::string_view& input, request& into);
  event parse_head(const char* bytes, std::size_t size, request& into);
  event finish_chunk_line(std::string_view line);
  event refuse(const refusal& why) noexcept;

  const limits* limits_;
  std::optional<request_sink> sink_;
  std::string stash_;  // a header, chunk line or trailer section that is not complete yet
  section_scanner scanner_;
  refusal why_{};
  std::uint64_t body_left_ = 0;
  chunk_line_scanner chunk_line_;
  stage stage_ = stage::head;
};

}  // namespace baton::http::engine

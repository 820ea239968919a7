#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/client/answer.hpp"
#include "http/client/answer_fault.hpp"
#include "http/client/answer_sink.hpp"
#include "http/engine/chunk_line_scanner.hpp"
#include "http/engine/section_scanner.hpp"

namespace baton::http::client {

enum class answer_event : std::uint8_t {
  need_more,  ///< all input was taken; nothing to report yet
  interim,    ///< a 1xx answer; another one follows
  upgraded,   ///< 101: what follows in `input` is of another protocol
  head,       ///< the final answer's head is complete
  body,       ///< `piece()` is the next part of the body
  done,       ///< the answer is complete; what follows in `input` was never asked for
  refused     ///< `why()`; nothing of the connection can be trusted any more
};

struct answer_limits {
  /// Status line and fields together; also the trailers.
  std::size_t max_head_bytes = std::size_t{64} * 1024;
  std::size_t max_fields = 1000;
  unsigned max_interim = 32;
};

/// What the request asked for, as far as it changes how its answer is read.
struct asked {
  bool head = false;     ///< HEAD: no body, whatever the fields say
  bool upgrade = false;  ///< another protocol: 101 may come
};

/// HTTP/1.1 answers out of bytes (RFC 9112), without any I/O.
///
/// Invariants: the same bytes give the same events however they were split (pieces of the body
/// aside); the body's end is found by RFC 9112 section 6.3 and nothing else; what two readers could
/// read in two ways is refused; nothing but bounded buffers is kept between two calls.
class answer_parser {
 public:
  explicit answer_parser(const answer_limits& allowed = {}) noexcept : limits_{allowed} {}

  /// Starts over with the answer to the next request.
  void begin(asked what) noexcept;

  /// Takes bytes from the front of `input` and reports one event.
  answer_event next(std::string_view& input, answer& into);
  /// The connection ended: `done` for a body that ends so, `refused` for all else.
  answer_event end() noexcept;

  [[nodiscard]] std::string_view piece() const noexcept { return sink_->piece; }
  [[nodiscard]] const answer_fault& why() const noexcept { return *why_; }
  /// Not a byte was seen yet.
  [[nodiscard]] bool untouched() const noexcept { return untouched_; }
  [[nodiscard]] bool complete() const noexcept { return stage_ == stage::complete; }

  // Valid from `head` on.
  /// What Content-Length told, also where there is no body (HEAD, 304).
  [[nodiscard]] std::optional<std::uint64_t> content_length() const noexcept {
    return sink_->length;
  }
  [[nodiscard]] bool chunked() const { return sink_->chunked(); }
  /// Whether the connection may be used again once the answer is complete.
  [[nodiscard]] bool keep_alive() const { return sink_->keep_alive(); }

 private:
  enum class stage : std::uint8_t {
    head,
    body,
    chunk_line,
    chunk_data,
    trailers,
    complete,
    upgraded,
    failed
  };

  answer_event next_head(std::string_view& input, answer& into);
  answer_event next_body(std::string_view& input);
  answer_event next_chunk_line(std::string_view& input, answer& into);
  answer_event next_chunk_data(std::string_view& input);
  answer_event next_trailers(std::string_view& input, answer& into);
  answer_event parse_head(std::string_view bytes, answer& into);
  answer_event take_interim(answer& into);
  answer_event finish_chunk_line(std::string_view line);
  answer_event refuse(const answer_fault& why) noexcept;
  /// The whole section once it is there, in `input` or in `into.storage`; nothing before.
  std::optional<std::string_view> whole_section(std::string_view& input, answer& into);

  answer_limits limits_;
  asked asked_;
  std::optional<answer_sink> sink_;
  std::string stash_;  // a head, chunk line or trailer section that is not complete yet
  engine::section_scanner scanner_;
  engine::chunk_line_scanner chunk_line_;
  const answer_fault* why_ = nullptr;
  unsigned interim_ = 0;
  stage stage_ = stage::head;
  bool untouched_ = true;
};

}  // namespace baton::http::client

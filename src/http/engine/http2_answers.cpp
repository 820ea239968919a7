#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "http/engine/http2.hpp"
#include "http/engine/http2_callbacks.hpp"
#include "http/engine/http2_fields.hpp"

namespace baton::http::engine {
namespace {

// What is sent in one or two frames needs no share of the connection.
constexpr std::size_t large_body = std::size_t{32} * 1024;
// Frames that wait for the client: interim answers are not added to more.
constexpr std::size_t many_queued = 100;
constexpr std::size_t usual_frame = std::size_t{16} * 1024;
constexpr std::size_t large_frame = std::size_t{64} * 1024;

bool has_no_content(const request& asked, unsigned status) noexcept {
  return response_writer::bodiless(status) || asked.method() == method::head;
}

}  // namespace

void http2::respond(http2_stream& to, response answer, std::string_view date) {
  if (broken_ || to.reset_ || to.answered_) return;
  to.body_ = response_writer::take_body(answer);
  to.trailers_ = response_writer::take_trailers(answer, to.trailer_storage_);
  const std::uint64_t length = to.rest().size();
  // RFC 9110 section 8.6: neither for these statuses nor for a tunnel.
  const bool tells_length = !response_writer::bodiless(answer.status()) &&
                            (to.protocol_.empty() || answer.status() >= 300);
  const bool content = !has_no_content(*to.request_, answer.status());
  const bool body = content && (length != 0 || !to.trailers_.empty());
  submit(to, answer, date, tells_length ? &length : nullptr, body);
  if (body && length > large_body) let_share(to);
}

void http2::respond(http2_stream& to, const response& head, std::string_view date,
                    http2_source& body, const std::uint64_t* length) {
  if (broken_ || to.reset_ || to.answered_) return;
  to.source_ = &body;
  submit(to, head, date, length, !has_no_content(*to.request_, head.status()));
  let_share(to);
}

void http2::submit(http2_stream& to, const response& head, std::string_view date,
                   const std::uint64_t* length, bool body) {
  to.answered_ = true;
  to.granted_ = !to.protocol_.empty() && head.status() < 300;
  const auto fields = http2_fields::head(head, date, length);
  nghttp2_data_provider from{{.ptr = &to}, &callbacks::read};
  if (nghttp2_submit_response(session_.get(), static_cast<std::int32_t>(to.id_), fields.data(),
                              fields.size(), body ? &from : nullptr) != 0)
    return submit_reset(to, http2_error::internal_error);
  if (body) queue_sending(to);
}

/// Whoever said nothing about priorities (RFC 9218) wants all his large answers to move, not one
/// behind the other.
void http2::let_share(const http2_stream& of) {
  if (of.prioritized_) return;
  const nghttp2_extpri shared{NGHTTP2_EXTPRI_DEFAULT_URGENCY, 1};
  nghttp2_session_change_extpri_stream_priority(session_.get(), static_cast<std::int32_t>(of.id_),
                                                &shared, 0);
}

void http2::queue_sending(http2_stream& of) {
  if (of.sending_.is_linked()) return;
  of.waits_since_ = output_ != nullptr ? now_ : time_point{};
  sending_.push_back(of);
}

void http2::resume(http2_stream& of) {
  if (broken_ || of.reset_ || of.finished_) return;
  queue_sending(of);
  nghttp2_session_resume_data(session_.get(), static_cast<std::int32_t>(of.id_));
}

void http2::go_on(http2_stream& to) {
  if (broken_ || to.reset_ || to.answered_ || to.complete_) return;
  to.continued_ = true;
  submit_interim(to, 100, {});
}

void http2::inform(http2_stream& to, unsigned status, std::string_view lines) {
  if (broken_ || to.reset_ || to.answered_ ||
      nghttp2_session_get_outbound_queue_size(session_.get()) > many_queued)
    return;
  submit_interim(to, status, lines);
}

void http2::submit_interim(const http2_stream& to, unsigned status, std::string_view lines) {
  const auto fields = http2_fields::interim(status, lines);
  nghttp2_submit_headers(session_.get(), NGHTTP2_FLAG_NONE, static_cast<std::int32_t>(to.id_),
                         nullptr, fields.data(), fields.size(), nullptr);
}

void http2::consume(http2_stream& of, std::size_t bytes) {
  assert(bytes <= of.unconsumed_);
  of.unconsumed_ -= bytes;
  if (!broken_) nghttp2_session_consume(session_.get(), static_cast<std::int32_t>(of.id_), bytes);
}

void http2::hold_back(http2_stream& of, std::size_t bytes) {
  assert(bytes <= of.unconsumed_);
  of.unconsumed_ -= bytes;
  of.held_back_ += bytes;
  if (!broken_) nghttp2_session_consume_connection(session_.get(), bytes);
}

void http2::let_on(http2_stream& of) {
  const auto bytes = std::exchange(of.held_back_, 0);
  if (!broken_ && bytes != 0)
    nghttp2_session_consume_stream(session_.get(), static_cast<std::int32_t>(of.id_), bytes);
}

void http2::reset(http2_stream& which, http2_error why) {
  if (!broken_ && !which.reset_) submit_reset(which, why);
}

void http2::submit_reset(http2_stream& which, http2_error why) {
  which.reset_ = true;
  which.sending_.unlink();
  nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, static_cast<std::int32_t>(which.id_),
                            static_cast<std::uint32_t>(why));
}

// --- what nghttp2 asks for while it sends

long http2::read_answer(http2_stream& of, std::size_t most, std::uint32_t& flags) {
  recent_ = &of;
  const auto piece =
      of.source_ != nullptr ? of.source_->ready() : http2_source::piece{of.rest(), true};
  if (piece.bytes.empty() && !piece.last) {
    of.sending_.unlink();
    return NGHTTP2_ERR_DEFERRED;
  }
  chunk_ = piece.bytes.substr(0, most);
  if (!chunk_.empty()) flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (!piece.last || chunk_.size() != piece.bytes.size()) return static_cast<long>(chunk_.size());
  flags |= NGHTTP2_DATA_FLAG_EOF;
  const auto lines = of.trailer_lines();
  if (lines.empty()) return static_cast<long>(chunk_.size());
  const auto fields = http2_fields::trailers(lines);
  if (!fields.empty() && nghttp2_submit_trailer(session_.get(), static_cast<std::int32_t>(of.id_),
                                                fields.data(), fields.size()) == 0)
    flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
  return static_cast<long>(chunk_.size());
}

/// The only copy that is made of a body.
int http2::send_data(http2_stream& of, std::string_view frame_header) {
  output_->reserve(frame_header.size() + chunk_.size());
  output_->put(frame_header);
  output_->put(chunk_);
  if (of.source_ != nullptr) {
    of.source_->sent(chunk_.size());
  } else {
    of.body_sent_ += chunk_.size();
  }
  note_progress(of);
  return output_->size() < output_end_ ? 0 : NGHTTP2_ERR_PAUSE;
}

/// A source that has nothing more for now waits for nobody: nghttp2 does not ask it again before
/// the client's window opens.
void http2::note_progress(http2_stream& of) {
  if (!of.sending_.is_linked()) return;
  of.sending_.unlink();
  if (of.source_ != nullptr) {
    const auto next = of.source_->ready();
    if (next.bytes.empty() && !next.last) return;
  }
  of.waits_since_ = now_;
  sending_.push_back(of);
}

/// How large a DATA frame may be, as far as we are concerned; never nothing.
std::size_t http2::frame_room(std::int32_t id, std::size_t client_allows) const noexcept {
  if (client_allows <= usual_frame) return usual_frame;
  const auto* const of = find(id);
  const auto left = of == nullptr ? 0 : of->rest().size();
  return std::clamp(left, usual_frame, std::min(client_allows, large_frame));
}

}  // namespace baton::http::engine

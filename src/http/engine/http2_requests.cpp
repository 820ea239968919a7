// What has happened to the connection's streams, told by nghttp2.
#include <nghttp2/nghttp2.h>

#include <utility>

#include "http/engine/http2.hpp"

namespace baton::http::engine {
namespace {

constexpr std::size_t largest_rest = std::size_t{64} * 1024;

}  // namespace

http2_stream* http2::find(std::int32_t id) const noexcept {
  if (recent_ != nullptr && recent_->id_ == static_cast<std::uint32_t>(id)) return recent_;
  return static_cast<http2_stream*>(nghttp2_session_get_stream_user_data(session_.get(), id));
}

void http2::begin_request(std::int32_t id) {
  auto& opened = to_.open();
  enter(opened, id);
  receiving_ = recent_ = &opened;
  head_.begin(*opened.request_);
}

void http2::begin_trailers(std::int32_t id) {
  receiving_ = find(id);
  if (receiving_ != nullptr) head_.begin_trailers(*receiving_->request_);
}

bool http2::add_field(std::int32_t id, std::string_view name, std::string_view value) {
  if (receiving_ == nullptr || receiving_->id_ != static_cast<std::uint32_t>(id)) return true;
  switch (head_.add(name, value)) {
    case http2_head::verdict::malformed:
      spoil(*receiving_, http2_error::protocol_error);
      return false;
    case http2_head::verdict::flood:
      spoil(*receiving_, http2_error::enhance_your_calm);
      return false;
    default:
      return true;
  }
}

/// A reset that the client has brought about: it counts when it is sent.
void http2::spoil(const http2_stream& which, http2_error why) {
  nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, static_cast<std::int32_t>(which.id_),
                            static_cast<std::uint32_t>(why));
}

void http2::end_head(std::int32_t id, bool ends) {
  auto* const of = find(id);
  if (of == nullptr) return;
  const auto found = head_.finish();
  if (found == http2_head::verdict::malformed) return spoil(*of, http2_error::protocol_error);
  of->content_length_ = head_.content_length();
  of->protocol_ = head_.protocol();
  of->expects_continue_ = head_.expects_continue();
  of->prioritized_ = head_.prioritized();
  of->complete_ = ends;
  if (found == http2_head::verdict::refused) return refuse(*of, head_.why());
  to_.head(*of);
  if (ends && !broken_ && !of->reset_) to_.end(*of);
}

void http2::end_trailers(std::int32_t id) {
  auto* const of = find(id);
  if (of == nullptr) return;
  of->complete_ = true;
  if (of->refused_ || of->reset_) return;
  if (head_.finish_trailers() == http2_head::verdict::refused) return refuse(*of, head_.why());
  to_.end(*of);
}

void http2::refuse(http2_stream& of, const refusal& why) {
  of.refused_ = true;
  to_.refused(of, why);
}

void http2::take_body(std::int32_t id, std::string_view piece) {
  auto* const of = find(id);
  if (of == nullptr) return;
  if (of->finished_ && !of->granted_) return take_rest(*of, piece.size());
  of->unconsumed_ += piece.size();
  if (!of->refused_ && !of->reset_) {
    if (piece.size() <= of->body_left_) {
      of->body_left_ -= piece.size();
      return to_.body(*of, piece);
    }
    refuse(*of, body_too_large);
  }
  if (!broken_) consume(*of, piece.size());
}

void http2::end_body(std::int32_t id) {
  auto* const of = find(id);
  if (of == nullptr) return;
  of->complete_ = true;
  if (!of->refused_ && !of->reset_) to_.end(*of);
}

void http2::count_reset() {
  if (!meter_.reset()) fail(too_many_resets);
}

void http2::data_frame_sent(std::int32_t id, std::size_t length, bool ends) {
  if (length != 0) meter_.data_sent();
  if (!ends) return;
  if (auto* of = find(id)) end_answer(*of);
}

/// The client need not send the rest of a request that was answered (RFC 9113 section 8.1). A small
/// rest is let come all the same, as behind HTTP/1.1: it is on its way, some clients take a reset
/// for a failed request, and what is wrong with it is told.
void http2::end_answer(http2_stream& of) {
  of.finished_ = true;
  of.sending_.unlink();
  of.body_ = std::monostate{};
  meter_.answered();
  if (of.complete_ || !of.protocol_.empty()) return;
  const bool waits = of.expects_continue_ && !of.continued_;
  if (waits || of.content_length_.value_or(0) > largest_rest) spoil(of, http2_error::no_error);
}

/// What comes behind the answer is thrown away, and no more of it asked for.
void http2::take_rest(http2_stream& of, std::size_t bytes) {
  nghttp2_session_consume_connection(session_.get(), bytes);
  if (of.rest_taken_ > largest_rest) return;
  of.rest_taken_ += bytes;
  if (of.rest_taken_ > largest_rest) spoil(of, http2_error::no_error);
}

void http2::reset_sent(std::int32_t id, http2_error code) {
  const auto* const of = find(id);
  if (code == http2_error::no_error) return;
  if (code != http2_error::refused_stream) {
    if (of == nullptr || !of->reset_) count_reset();
    return;
  }
  // No work was lost on it, and whoever does not know our settings yet means no harm.
  if (!meter_.refused()) fail(too_many_idle_frames);
}

void http2::goaway_frame_sent(http2_error code, std::string_view text) {
  if (code == http2_error::no_error) return;
  failed_ = true;
  if (failure_.code == code && !failure_.why.empty()) return;
  failure_text_ = text.empty() ? plain_reason(code) : text;
  failure_ = {code, failure_text_};
}

/// An answer whose head is too large for nghttp2; for a stream that is gone there is nothing to do.
void http2::answer_not_sent(std::int32_t id, int nghttp2_error) {
  auto* const of = find(id);
  if (of == nullptr || of->reset_) return;
  if (nghttp2_error != NGHTTP2_ERR_STREAM_CLOSED && nghttp2_error != NGHTTP2_ERR_STREAM_CLOSING &&
      nghttp2_error != NGHTTP2_ERR_SESSION_CLOSING)
    submit_reset(*of, http2_error::internal_error);
}

/// What nobody has taken of the body must not narrow the connection's window for ever.
void http2::stream_closed(std::int32_t id, http2_error code) {
  auto* const of = find(id);
  if (of == nullptr) return;
  if (receiving_ == of) receiving_ = nullptr;
  if (recent_ == of) recent_ = nullptr;
  of->open_.unlink();
  of->sending_.unlink();
  --open_count_;
  if (of->unconsumed_ != 0)
    nghttp2_session_consume_connection(session_.get(), std::exchange(of->unconsumed_, 0));
  of->body_ = std::monostate{};
  to_.closed(*of, code);
}

}  // namespace baton::http::engine

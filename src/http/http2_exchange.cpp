#include "http/http2_exchange.hpp"

#include <utility>

#include "http/http2_session.hpp"
#include "http/http2_upgraded.hpp"
#include "http/link.hpp"
#include "http/request_builder.hpp"

namespace baton::http {
namespace {

constexpr std::size_t stream_watermark = std::size_t{64} * 1024;

}  // namespace

http2_exchange::http2_exchange() : engine::http2_stream{exchange::request} {}

http2_exchange::~http2_exchange() = default;

void http2_exchange::begin(http2_session& of) noexcept {
  session_ = &of;
  request_builder{exchange::request}.reset();
  route = nullptr;
  link.reset();
  now = stage::head;
  out_.clear();
  out_sent_ = 0;
  trailers_.clear();
  last_ = continued_ = muted_ = false;
  collected = 0;
  leaves_since.reset();
}

void http2_exchange::rest() noexcept {
  request_builder{exchange::request}.shed();
  http2_stream::shed();
  if (out_.capacity() > stream_watermark) std::string{}.swap(out_);
}

void http2_exchange::answer(response answer) {
  session_->give(*this, std::move(answer));
  session_->send_soon();
}

void http2_exchange::want_body() {
  if (expects_continue() && !continued_ && !complete()) {
    continued_ = true;
    session_->engine().go_on(*this);
  }
  progress = http2_session::clock::now();
  feed_reader();
  session_->send_soon();
}

void http2_exchange::feed_reader() {
  const auto unread = link->unread();
  if (!link->wants_body()) return;
  link->deliver();
  if (unread != 0) session_->engine().consume(*this, unread);
}

bool http2_exchange::awaits_body() const noexcept {
  if (complete()) return false;
  return now == stage::collect || (now == stage::waiting && link != nullptr && link->wants_body());
}

void http2_exchange::inform(unsigned status, std::string_view lines) {
  session_->engine().inform(*this, status, lines);
  session_->send_soon();
}

bool http2_exchange::open_stream(const response& head, std::optional<std::uint64_t> length) {
  muted_ =
      response_writer::bodiless(head.status()) || exchange::request.method() == http::method::head;
  if (!muted_) out_.append(head.body());
  const bool declared = length && *length != unknown_length && head.status() != 204;
  session_->give_head(*this, head, *this, declared ? &*length : nullptr);
  session_->send_soon();
  return !muted_;
}

void http2_exchange::open_tunnel(const response& head, std::shared_ptr<detail::tunnel_core> core) {
  session_->open_tunnel(*this, head, std::move(core));
  session_->send_soon();
}

void http2_exchange::stream_piece(std::string_view chunk) {
  if (muted_) return link->let_write({});
  out_.append(chunk);
  session_->engine().resume(*this);
  session_->send_soon();
  if (out_.size() - out_sent_ < stream_watermark) link->let_write({});
}

void http2_exchange::finish_stream(std::string_view trailers) {
  trailers_ = trailers;
  last_ = true;
  session_->engine().resume(*this);
  session_->send_soon();
}

void http2_exchange::cut() {
  session_->engine().reset(*this, engine::http2_error::internal_error);
  session_->send_soon();
}

engine::http2_source::piece http2_exchange::ready() noexcept {
  return {std::string_view{out_}.substr(out_sent_), last_};
}

void http2_exchange::sent(std::size_t bytes) noexcept {
  account.body_bytes += bytes;
  out_sent_ += bytes;
  if (out_sent_ == out_.size()) {
    out_.clear();
    out_sent_ = 0;
  } else if (out_sent_ > stream_watermark) {
    out_.erase(0, std::exchange(out_sent_, 0));
  }
  if (link != nullptr && out_.size() - out_sent_ < stream_watermark) link->let_write({});
}

}  // namespace baton::http

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "http/link.hpp"
#include "http/session.hpp"
#include "http/status.hpp"

namespace baton::http {
namespace {

// Up to here a copy costs less than a second part of the message.
constexpr std::size_t copied_body = std::size_t{8} * 1024;
constexpr std::size_t stream_watermark = std::size_t{64} * 1024;

iovec part_of(std::string_view bytes) noexcept {
  return {const_cast<char*>(bytes.data()), bytes.size()};  // sendmsg(2) only reads
}

/// What a chunk begins with (RFC 9112 section 7.1).
class chunk_line {
 public:
  explicit chunk_line(std::size_t size) noexcept {
    auto* const end = std::to_chars(text_, text_ + most_digits, size, 16).ptr;
    end[0] = '\r';
    end[1] = '\n';
    length_ = static_cast<std::size_t>(end + 2 - text_);
  }
  [[nodiscard]] std::string_view view() const noexcept { return {text_, length_}; }

 private:
  static constexpr std::size_t most_digits = 16;
  char text_[most_digits + 2];
  std::size_t length_;
};

}  // namespace

session::carry& session::carried() {
  if (carry_ == nullptr) carry_ = std::make_unique<carry>();
  return *carry_;
}

/// How many bytes went. Closes if the client is gone.
std::size_t session::transmit(iovec* parts, int count) {
  const auto sent = connection_.send(parts, count);
  if (sent >= 0) {
    shard_.sent(tally_, static_cast<std::size_t>(sent));
    return static_cast<std::size_t>(sent);
  }
  if (errno != EAGAIN && errno != EINTR) close();
  return 0;
}

/// Sends what the requests of this turn were answered with.
void session::flush() {
  auto& out = shard_.out;
  if (out.empty()) return;
  if (blocked()) {
    carried().output.append(out.view());
  } else {
    auto part = part_of(out.view());
    const auto sent = transmit(&part, 1);
    if (!closed_ && sent < out.size()) carried().output.assign(out.view().substr(sent));
  }
  out.clear();
}

void session::put_body(response& answer) {
  const auto body = answer.body();
  if (body.size() <= copied_body) return shard_.out.append(body);
  send_now(shard_.out.view(), response_writer::take_body(answer));
  shard_.out.clear();
}

void session::put_chunk(std::string_view piece) {
  if (piece.empty()) return;
  const chunk_line line{piece.size()};
  for (const auto part : {line.view(), piece, std::string_view{"\r\n"}}) shard_.out.append(part);
}

void session::put_last_chunk(const response& answer) {
  for (const auto part : {std::string_view{"0\r\n"}, response_writer::ready_trailers(answer),
                          response_writer::own_trailers(answer), std::string_view{"\r\n"}})
    shard_.out.append(part);
}

/// A large body is not copied: what does not fit now is kept as it is.
void session::send_now(std::string_view head, response_writer::body_variant body) {
  std::size_t sent = 0;
  if (!blocked()) {
    iovec parts[] = {part_of(head), part_of(response_writer::view(body))};
    sent = transmit(parts, 2);
    if (closed_ || sent == head.size() + parts[1].iov_len) return;
  }
  auto& kept = carried();
  if (sent < head.size()) {
    kept.output.append(head.substr(sent));
    sent = head.size();
  }
  kept.body = std::move(body);
  kept.body_sent = sent - head.size();
}

/// Goes on with what waits for the client: under TLS first the records that are made already,
/// which may be all there is.
void session::send_carry() {
  const auto records = connection_.unsent();
  if (carry_ == nullptr || carry_->unsent() == 0) {
    static_cast<void>(transmit(nullptr, 0));
    if (!closed_ && connection_.unsent() != records) made_progress();
    return;
  }
  auto& kept = *carry_;
  iovec parts[] = {part_of(std::string_view{kept.output}.substr(kept.output_sent)),
                   part_of(response_writer::view(kept.body).substr(kept.body_sent))};
  const auto head = parts[0].iov_len;
  const auto sent = transmit(parts, 2);
  if (closed_ || (sent == 0 && connection_.unsent() == records)) return;
  kept.output_sent += std::min(sent, head);
  if (sent > head) kept.body_sent += sent - head;
  if (kept.unsent() == 0) {
    kept.output.clear();
    kept.output_sent = 0;
    kept.body = std::monostate{};
    kept.body_sent = 0;
  } else if (kept.output_sent > stream_watermark) {
    kept.output.erase(0, std::exchange(kept.output_sent, 0));
  }
  made_progress();
}

/// The client took something: it gets its whole time again, and a stream may go on.
void session::made_progress() {
  renew_ = true;
  if (exchange_ != nullptr && exchange_->link != nullptr && queued() < stream_watermark)
    exchange_->link->let_write({});
}

/// In one system call; only what does not fit is copied.
template <class... Piece>
void session::send_pieces(const Piece&... pieces) {
  std::size_t sent = 0;
  if (!blocked()) {
    iovec parts[] = {part_of(pieces)...};
    sent = transmit(parts, sizeof...(pieces));
    if (closed_) return;
  }
  for (std::string_view piece : {std::string_view{pieces}...}) {
    const auto gone = std::min(sent, piece.size());
    sent -= gone;
    piece.remove_prefix(gone);
    if (!piece.empty()) carried().output.append(piece);
  }
}

/// Sends `piece` as the protocol version frames it, behind `head`.
void session::put_piece(std::string_view head, std::string_view piece) {
  const auto& now = *exchange_;
  if (piece.empty() || now.muted) return send_pieces(head);
  exchange_->account.body_bytes += piece.size();
  if (!now.chunked) return send_pieces(head, piece);
  const chunk_line line{piece.size()};
  send_pieces(head, line.view(), piece, "\r\n");
}

/// A client that does not read has no use for it: it is left out then.
void session::inform(unsigned status, std::string_view lines) {
  const auto& now = *exchange_;
  if (now.request.version() < 11 || now.now != http1_exchange::stage::waiting ||
      queued() >= stream_watermark)
    return;
  if (calling_) {
    for (const auto part : {status_line(status), lines, std::string_view{"\r\n"}})
      shard_.out.append(part);
    return;
  }
  send_pieces(status_line(status), lines, "\r\n");
  if (!closed_) settle();
}

/// How the answer to `now` is framed (RFC 9112 section 6.3), and whether the connection may stay.
ending session::frame_stream(const response& head, std::optional<std::uint64_t> length) {
  auto& now = *exchange_;
  const bool eleven = now.request.version() >= 11;
  const bool bodiless = response_writer::bodiless(head.status());
  const bool to_head = now.request.method() == method::head;
  const bool declared = length && *length != unknown_length;
  const bool silent = length && !declared && to_head;
  const bool more = carry_ != nullptr && !carry_->input.empty();
  const auto most = shard_.limits.max_requests_per_connection;
  now.muted = bodiless || to_head;
  now.chunked = eleven && !bodiless && !declared && !silent;
  now.last = (!eleven && !bodiless && !declared && !silent) || !now.engine.keep_alive() ||
             !now.engine.complete() || head.closes() || (!more && drains()) ||
             (most != 0 && requests_ + 1 >= most);
  if (declared && head.status() != 204) return ending::length;
  if (bodiless || silent) return ending::none;
  return now.chunked ? ending::chunked : ending::close;
}

bool session::open_stream(const response& head, std::optional<std::uint64_t> length) {
  auto& now = *exchange_;
  now.now = http1_exchange::stage::stream;
  now.account.streamed = true;
  const auto how = frame_stream(head, length);
  const auto connection = now.last                      ? persistence::close
                          : now.request.version() == 10 ? persistence::keep_alive
                                                        : persistence::silent;
  const bool ours = calling_ || !shard_.busy;
  output_buffer own;
  auto& lines = ours ? shard_.out : own;  // behind the answers to earlier requests of this turn
  response_writer::head(lines, head, shard_.on.http_date(), how, connection, length.value_or(0));
  shard_.ledger.answered(now, tally_, head.status());
  const bool body = !now.muted;
  put_piece(lines.view(), head.body());
  if (ours) shard_.out.clear();
  if (!calling_ && !closed_) settle();
  return body;
}

void session::stream_piece(std::string_view chunk) {
  const auto link = exchange_->link;
  if (!chunk.empty() && !exchange_->muted) put_piece({}, chunk);
  if (closed_) return;  // the writer was told
  if (queued() < stream_watermark) link->let_write({});
  if (!calling_) settle();
}

void session::finish_stream(std::string_view trailers) {
  const auto& now = *exchange_;
  if (now.chunked && !now.muted) send_pieces("0\r\n", trailers, "\r\n");
  if (closed_) return;
  const bool last = now.last;
  const bool politely = !now.engine.keep_alive() && now.engine.complete();
  finish_exchange();
  if (last) end(politely);
  if (!calling_) resume();
}

/// The client must not take what it got for the whole.
void session::cut() {
  connection_.reset_on_close();
  close();
}

}  // namespace baton::http

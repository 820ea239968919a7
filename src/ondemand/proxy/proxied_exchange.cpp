#include "ondemand/proxy/proxied_exchange.hpp"

#include <fmt/format.h>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <charconv>
#include <utility>

#include "baton/base/log.hpp"
#include "http/engine/websocket_handshake.hpp"
#include "ondemand/proxy/proxy.hpp"

namespace baton::ondemand {
namespace {

using http::client::upstream_connection;
using http::client::upstream_pool;

constexpr std::size_t watermark = std::size_t{64} * 1024;
constexpr std::size_t kept_text = std::size_t{16} * 1024;

iovec part_of(std::string_view bytes) noexcept {
  return {const_cast<char*>(bytes.data()), bytes.size()};  // sendmsg(2) only reads
}

void empty(std::string& text) noexcept {
  if (text.capacity() > kept_text) {
    std::string{}.swap(text);
  } else {
    text.clear();
  }
}

proxy_failure connect_failure(error_code why) noexcept {
  if (why == boost::asio::error::connection_refused ||
      why == boost::system::errc::no_such_file_or_directory)
    return proxy_failure::connect_refused;
  if (why == boost::asio::error::timed_out) return proxy_failure::connect_timed_out;
  if (why == boost::asio::error::no_buffer_space) return proxy_failure::upstream_busy;
  return proxy_failure::connect_failed;
}

}  // namespace

void proxied_exchange::begin(exchange_ticket as, forward_order&& order) {
  ticket_ = as;
  asked_ = &order.asked;
  how_ = &order.how;
  observer_ = order.observer;
  pool_ = &order.pool;
  body_.emplace(std::move(order.body));
  client_.emplace(std::move(order.client));
  result_ = {};
  awaits_ = awaits::nothing;
  head_sent_ = head_pending_ = body_read_ = body_sent_ = reading_ = repeated_ = false;
  watch_.reset();
  farewell_ = farewell::none;
  client_waits_ = tunnelled_ = ending_ = upstream_ended_ = client_ended_ = false;
  const bool has_body = !body_->at_end();
  framing_ = request_framing::of(*asked_, has_body);
  upload_ = has_body ? upload::held : upload::none;
  // Over HTTP/2 there is none (RFC 8441 section 5.1), and upstreams speak HTTP/1.1.
  key_ = asked_->version() == 20 && wants_websocket(*asked_) ? http::engine::make_key()
                                                             : std::string{};
  write_request_head(head_, *asked_, *how_, framing_, key_);
  client_->on_cancel([table = &proxy_, as] {
    if (auto* const self = table->find(as)) self->client_left();
  });
  ask_for_connection(upstream_pool::wants::any);
}

void proxied_exchange::ask_for_connection(upstream_pool::wants what) {
  const auto given = pool_->ask(*this, what);
  if (given.has_error()) return on_no_connection(given.error());
  if (*given != nullptr) return on_connection(**given);
  wait_for(awaits::connection, how_->wait_timeout);
}

void proxied_exchange::wait_for(awaits what, std::chrono::milliseconds most) {
  awaits_ = what;
  if (what == awaits::nothing || most.count() == 0) return loop_.timers().cancel(*this);
  loop_.timers().arm(*this, most);
}

void proxied_exchange::on_connection(upstream_connection& with) {
  connection_ = &with;
  if (observer_ != nullptr) observer_->on_connected();
  parser_.begin(
      {.head = asked_->method() == http::method::head, .upgrade = !asked_->upgrade().empty()});
  answer_.clear();
  send_request();
}

void proxied_exchange::on_no_connection(error_code why) {
  fail(connect_failure(why), fmt::format("cannot connect to {}: {}", place(), why.message()));
}

void proxied_exchange::send_request() {
  head_sent_ = false;
  if (upload_ == upload::held && asked_->has("Expect")) {
    send_head();
    if (connection_ != nullptr) wait_for(awaits::go_on, how_->continue_timeout);
    return;
  }
  wait_for(awaits::answer, how_->head_timeout);
  if (!kept_piece_.empty()) {  // again, with the piece that the last connection did not take
    const auto piece = std::exchange(kept_piece_, {});
    send_piece(piece);
    if (connection_ != nullptr && upload_ == upload::complete) send_last_chunk();
    return;
  }
  if (upload_ != upload::held) return send_head();
  // The header goes with the first piece, which is often there already; if not, alone, soon.
  boost::asio::post(loop_.context(), [table = &proxy_, as = ticket_] {
    if (auto* const self = table->find(as)) self->send_head_alone();
  });
  upload_ = upload::flowing;
  read_body();
}

void proxied_exchange::send_head() {
  head_sent_ = true;
  const auto failed = connection_->send(head_);
  if (failed && connection_->rested()) repeat();
  // Else the end is told, possibly behind an answer.
}

void proxied_exchange::send_head_alone() {
  if (!head_sent_ && connection_ != nullptr && upload_ == upload::flowing && !body_sent_)
    send_head();
}

void proxied_exchange::read_body() {
  if (reading_) return;
  reading_ = true;
  body_->read(http::detail::read_completion{
      [table = &proxy_, as = ticket_](error_code error, std::string_view piece,
                                      const std::shared_ptr<void>& keep) {
        static_cast<void>(keep);  // the piece is sent, or copied, at once
        if (auto* const self = table->find(as)) self->body_piece(error, piece);
      }});
}

void proxied_exchange::body_piece(error_code error, std::string_view piece) {
  reading_ = false;
  if (ending_ || upload_ != upload::flowing) return;
  if (error == boost::asio::error::eof) return end_body();
  if (error) return body_failed(error);
  body_read_ = true;
  result_.request_bytes += piece.size();
  if (connection_ == nullptr) {  // a new one is being opened
    kept_piece_ += piece;
    return;
  }
  send_piece(piece);
}

void proxied_exchange::send_piece(std::string_view piece) {
  char size[20];
  auto* const end = std::to_chars(size, size + 16, piece.size(), 16).ptr;
  end[0] = '\r';
  end[1] = '\n';
  const bool chunked = framing_.how == request_framing::kind::chunked;
  const auto line = chunked ? std::string_view{size, static_cast<std::size_t>(end + 2 - size)}
                            : std::string_view{};
  const bool first = !std::exchange(head_sent_, true);
  iovec parts[] = {part_of(first ? std::string_view{head_} : std::string_view{}), part_of(line),
                   part_of(piece), part_of(chunked ? "\r\n" : "")};
  if (connection_->send(parts, 4)) {
    if (first && connection_->rested() && !repeated_) {
      kept_piece_ = piece;
      repeat();
      return;
    }
    upload_ = upload::broken;  // an answer may still come, or the end
    return;
  }
  body_sent_ = true;
  if (awaits_ == awaits::answer) wait_for(awaits::answer, how_->head_timeout);
  // Its end need not be read: the answer may come before that, and is then no early one.
  if (framing_.how == request_framing::kind::length && result_.request_bytes == framing_.length)
    upload_ = upload::complete;
  if (upload_ == upload::flowing && connection_->unsent() < watermark) read_body();
}

void proxied_exchange::end_body() {
  upload_ = upload::complete;
  if (connection_ == nullptr) return;
  if (!head_sent_) send_head();
  if (connection_ != nullptr) send_last_chunk();
}

void proxied_exchange::send_last_chunk() {
  if (framing_.how != request_framing::kind::chunked) return;
  std::string last = "0\r\n";
  for (const auto& [name, value] : asked_->trailers())
    last.append(name).append(": ").append(value).append("\r\n");
  last += "\r\n";
  if (connection_->send(last)) upload_ = upload::broken;
}

/// The client is gone, or is being told by the service why its body was not taken.
void proxied_exchange::body_failed(error_code error) {
  static_cast<void>(error);
  client_left();
}

void proxied_exchange::client_left() {
  if (tunnelled_ || std::exchange(ending_, true)) return;  // a tunnel tells by itself
  release_connection();
  if (writer_) writer_->abandon();
  finish(proxy_failure::client_left);
}

void proxied_exchange::on_sent() {
  if (tunnelled_) return tunnel_.resume();
  if (upload_ == upload::flowing) read_body();
}

/// Nothing can have been done: none of it was sent (`send` failed on a connection that had ended),
/// or the upstream ended a connection that had rested without a byte of an answer, and the request
/// may be repeated by what it is.
bool proxied_exchange::may_repeat() const noexcept {
  return !repeated_ && connection_ == nullptr && !body_sent_ && idempotent(asked_->method());
}

bool proxied_exchange::repeat() {
  if (std::exchange(repeated_, true)) return false;
  if (connection_ != nullptr) release_connection();
  ask_for_connection(upstream_pool::wants::fresh);
  return true;
}

void proxied_exchange::on_end(error_code why) {
  if (tunnelled_) {
    upstream_ended_ = true;
    const bool broken = why != boost::asio::error::eof;
    if (broken) connection_ = nullptr;  // gone already
    if (!broken || farewell_ == farewell::said) {
      tunnel_.end();
      return end_tunnel_if_over();
    }
    tunnel_.cut();
    return finish(proxy_failure::lost_in_answer);
  }
  const bool rested = connection_->rested();
  connection_ = nullptr;
  if (parser_.untouched()) {
    if (rested && may_repeat()) {
      repeat();
      return;
    }
    return fail(proxy_failure::connection_lost_before_answer,
                fmt::format("{} ended the connection before it answered: {}", place(),
                            why == boost::asio::error::eof ? "end of file" : why.message()));
  }
  const bool whole =
      why == boost::asio::error::eof && parser_.end() == http::client::answer_event::done;
  if (whole) return complete_answer(true);
  if (client_) {
    return fail(proxy_failure::connection_lost_before_answer,
                fmt::format("{} ended the connection within the header of its answer", place()));
  }
  fail(proxy_failure::lost_in_answer,
       fmt::format("{} ended the connection within the body of its answer", place()));
}

void proxied_exchange::on_deadline() {
  switch (std::exchange(awaits_, awaits::nothing)) {
    case awaits::nothing:
      return;
    case awaits::connection:
      pool_->cancel(*this);
      return fail(proxy_failure::upstream_busy,
                  fmt::format("no connection to {} became free within {} ms", place(),
                              how_->wait_timeout.count()));
    case awaits::go_on:
      wait_for(awaits::answer, how_->head_timeout);
      upload_ = upload::flowing;
      return read_body();
    case awaits::answer:
      return fail(proxy_failure::head_timed_out, fmt::format("{} did not answer within {} ms",
                                                             place(), how_->head_timeout.count()));
    case awaits::piece:
      return fail(proxy_failure::answer_stalled,
                  fmt::format("the answer of {} stood still for {} ms", place(),
                              how_->piece_timeout.count()));
  }
}

void proxied_exchange::fail(proxy_failure why, std::string_view text) {
  ending_ = true;
  release_connection();
  result_.failure = why;
  if (client_) {
    tell_client(why, text);
  } else {
    log_error(fmt::format("proxy: {}; the client is cut off", text));
    if (writer_) writer_->abandon();
  }
  finish(why);
}

void proxied_exchange::tell_client(proxy_failure why, std::string_view text) {
  failed_forward what{why, text, *asked_, *client_, *body_, !body_read_};
  if (observer_ != nullptr) observer_->on_failed(what);
  if (!*client_) return;
  log_error(fmt::format("proxy: {}; the client is told {}", text, status_of(why)));
  (*client_)(answer_for(why, text));
}

void proxied_exchange::release_connection() {
  pool_->cancel(*this);
  if (auto* const held = std::exchange(connection_, nullptr)) pool_->discard(*held);
}

void proxied_exchange::finish(proxy_failure why) {
  result_.failure = why;
  loop_.timers().cancel(*this);
  awaits_ = awaits::nothing;
  client_.reset();
  writer_.reset();
  body_.reset();
  tunnel_ = {};
  for (auto* text : {&head_, &lines_, &kept_piece_}) empty(*text);
  const auto as = std::exchange(ticket_, exchange_ticket{0, ~std::uint32_t{0}});
  if (auto* const told = std::exchange(observer_, nullptr)) told->on_finished(result_);
  proxy_.over(as);
}

std::string proxied_exchange::place() const { return pool_->target().to_string(); }

}  // namespace baton::ondemand

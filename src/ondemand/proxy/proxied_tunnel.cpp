#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/error.hpp>
#include <utility>

#include "http/engine/websocket_handshake.hpp"
#include "http/response_writer.hpp"
#include "ondemand/proxy/proxied_exchange.hpp"

namespace baton::ondemand {
namespace {

constexpr std::size_t watermark = std::size_t{64} * 1024;
constexpr std::string_view accept_field{"Sec-WebSocket-Accept"};

}  // namespace

/// Of a key that is ours, the client of HTTP/2 cannot check what is said to it.
bool proxied_exchange::confirms_key() const {
  if (key_.empty()) return true;
  const auto expected = http::engine::accept_key_for(key_);
  return std::any_of(answer_.fields.begin(), answer_.fields.end(), [&](const auto& each) {
    return http::same_token(each.name, accept_field) && each.value == expected;
  });
}

void proxied_exchange::refuse_key() {
  fail(
      proxy_failure::answer_malformed,
      fmt::format("{} became a WebSocket without knowing its key (Sec-WebSocket-Accept)", place()));
}

/// `behind`: what came behind the upstream's 101.
void proxied_exchange::open_tunnel(std::string_view behind) {
  using http::response_writer;
  wait_for(awaits::nothing, {});
  result_.status = answer_.status;
  if (wants_websocket(*asked_)) watch_.emplace();
  if (observer_ != nullptr) observer_->on_answer(answer_.status);
  http::response head{};
  lines_.clear();
  if (!key_.empty())
    std::erase_if(answer_.fields,
                  [](const auto& each) { return http::same_token(each.name, accept_field); });
  write_answer_fields(lines_, answer_);
  response_writer::add_lines(
      head, lines_,
      answer_.has_date ? response_writer::dating::in_lines : response_writer::dating::by_us);
  auto client = std::move(*client_);
  client_.reset();
  body_.reset();
  tunnelled_ = true;
  connection_->allow_half_close();
  tunnel_ = client.tunnel(head, *this);
  if (!behind.empty()) to_client(behind);
  // A tunnel may live long: it holds no more than it needs.
  for (auto* text : {&head_, &lines_, &kept_piece_, &answer_.storage, &key_})
    std::string{}.swap(*text);
  answer_.fields = {};
}

/// Of a WebSocket that is over for its client, what the upstream says goes nowhere.
void proxied_exchange::to_client(std::string_view bytes) {
  if (farewell_ == farewell::said) return;
  if (farewell_ == farewell::wanted) {
    bytes = bytes.substr(0, watch_->rest_of_frame(bytes));
  } else if (watch_) {
    watch_->pass(bytes);
  }
  result_.answer_bytes += bytes.size();
  if (tunnel_.write(bytes) >= watermark) connection_->pause();
  if (farewell_ != farewell::wanted || !watch_->between_frames()) return;
  if (!watch_->closed()) return say_goodbye();
  farewell_ = farewell::none;  // the frame at hand was the upstream's own close
}

/// A WebSocket's client is told that we go, as if by the upstream (RFC 6455 section 7.4.1). What it
/// answers closes the upstream's side. Another protocol has time until the deadline.
void proxied_exchange::on_drain() {
  if (!watch_ || watch_->closed() || upstream_ended_) return;
  farewell_ = farewell::wanted;
  if (watch_->between_frames()) say_goodbye();
}

void proxied_exchange::say_goodbye() {
  constexpr std::string_view going_away{"\x88\x02\x03\xe9", 4};
  farewell_ = farewell::said;
  result_.answer_bytes += going_away.size();
  tunnel_.write(going_away);
  // What is held back for its sake is not wanted any more.
  if (connection_ != nullptr) connection_->resume();
}

void proxied_exchange::on_writable() {
  if (connection_ != nullptr && !upstream_ended_) connection_->resume();
}

void proxied_exchange::on_bytes(std::span<char> bytes) {
  result_.request_bytes += bytes.size();
  if (connection_ == nullptr) return;  // a client's last words, to nobody
  if (connection_->send(std::string_view{bytes.data(), bytes.size()})) {
    tunnel_.cut();
    release_connection();
    return finish(proxy_failure::lost_in_answer);
  }
  if (connection_->unsent() >= watermark) tunnel_.pause();
}

void proxied_exchange::on_end() {
  client_ended_ = true;
  if (connection_ != nullptr) connection_->end_output();
  end_tunnel_if_over();
}

void proxied_exchange::end_tunnel_if_over() {
  if (!client_ended_ || !upstream_ended_) return;
  release_connection();
  finish(proxy_failure::none);
}

void proxied_exchange::on_lost(error_code why) {
  static_cast<void>(why);
  release_connection();
  finish(proxy_failure::client_left);
}

}  // namespace baton::ondemand

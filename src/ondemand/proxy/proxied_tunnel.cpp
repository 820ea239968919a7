#include <boost/asio/error.hpp>
#include <utility>

#include "http/response_writer.hpp"
#include "ondemand/proxy/proxied_exchange.hpp"

namespace baton::ondemand {
namespace {

constexpr std::size_t watermark = std::size_t{64} * 1024;

}  // namespace

/// `behind`: what came behind the upstream's 101.
void proxied_exchange::open_tunnel(std::string_view behind) {
  using http::response_writer;
  wait_for(awaits::nothing, {});
  result_.status = answer_.status;
  if (observer_ != nullptr) observer_->on_answer(answer_.status);
  http::response head{};
  lines_.clear();
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
  for (auto* text : {&head_, &lines_, &kept_piece_, &answer_.storage}) std::string{}.swap(*text);
  answer_.fields = {};
}

void proxied_exchange::to_client(std::string_view bytes) {
  result_.answer_bytes += bytes.size();
  if (tunnel_.write(bytes) >= watermark) connection_->pause();
}

void proxied_exchange::on_writable() {
  if (connection_ != nullptr && !upstream_ended_) connection_->resume();
}

void proxied_exchange::on_bytes(std::span<char> bytes) {
  result_.request_bytes += bytes.size();
  if (connection_->send(std::string_view{bytes.data(), bytes.size()})) {
    tunnel_.cut();
    release_connection();
    return finish(proxy_failure::lost_in_answer);
  }
  if (connection_->unsent() >= watermark) tunnel_.pause();
}

void proxied_exchange::on_end() {
  client_ended_ = true;
  connection_->end_output();
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

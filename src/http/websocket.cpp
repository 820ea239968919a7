#include "baton/http/websocket.hpp"

#include <boost/asio/post.hpp>
#include <stdexcept>
#include <string>

#include "http/prepared_message.hpp"
#include "http/websocket_core.hpp"

namespace baton::http {
namespace {

void require_sendable(close_code code) {
  if (may_be_sent(code)) return;
  throw std::invalid_argument{"websocket: close code " +
                              std::to_string(static_cast<unsigned>(code)) +
                              " may not be sent; use 1000 to 1003, 1007 to 1014 or 3000 to 4999"};
}

}  // namespace

send_status websocket::send(std::string_view payload, message_kind kind) {
  return core_->send(payload, kind);
}

send_status websocket::send(const websocket_message& message) {
  return core_->send(message.prepared());
}

void websocket::ping(std::string_view payload) { core_->ping(payload); }

void websocket::close(close_code code, std::string_view reason) {
  require_sendable(code);
  core_->close(code, reason);
}

void websocket::post(websocket_message message) const {
  boost::asio::post(core_->context().get_executor(), [core = core_, message = std::move(message)] {
    core->send(message.prepared());
  });
}

void websocket::post_close(close_code code, std::string_view reason) const {
  require_sendable(code);
  boost::asio::post(core_->context().get_executor(),
                    [core = core_, code, text = std::string{reason}] { core->close(code, text); });
}

bool websocket::is_open() const noexcept { return core_ != nullptr && core_->is_open(); }
std::size_t websocket::buffered() const noexcept { return core_->buffered(); }
std::string_view websocket::subprotocol() const noexcept { return core_->subprotocol(); }
bool websocket::compressed() const noexcept { return core_->compressed(); }
const websocket_request& websocket::request() const noexcept { return core_->request(); }
std::any& websocket::data() const noexcept { return core_->data(); }
boost::asio::io_context& websocket::context() const noexcept { return core_->context(); }

}  // namespace baton::http

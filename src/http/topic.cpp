#include "baton/http/topic.hpp"

#include "http/topic_hub.hpp"
#include "http/websocket_core.hpp"

namespace baton::http {

topic::topic() : hub_{std::make_shared<topic_hub>()} {}
topic::~topic() = default;

void topic::subscribe(const websocket& socket) {
  if (socket.is_open()) hub_->subscribe(*socket.core());
}

void topic::unsubscribe(const websocket& socket) {
  if (socket.core() != nullptr) hub_->unsubscribe(*socket.core());
}

bool topic::publish(const websocket_message& message) { return hub_->publish({message}); }

bool topic::publish(const websocket_message& message, const websocket& except) {
  return hub_->publish({message, except.core().get()});
}

std::size_t topic::size() const noexcept { return hub_->size(); }

}  // namespace baton::http

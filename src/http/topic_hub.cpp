#include "http/topic_hub.hpp"

#include <algorithm>

#include "http/websocket_core.hpp"

namespace baton::http {
namespace {

auto place_of(const topic_hub& hub, websocket_core& socket) {
  auto& all = socket.subscriptions();
  return std::find_if(all.begin(), all.end(),
                      [&](const subscription& each) { return each.in->belongs_to(hub); });
}

}  // namespace

void topic_hub::subscribe(websocket_core& socket) {
  if (place_of(*this, socket) != socket.subscriptions().end()) return;
  // Held until it has entered: a message published behind this is for it.
  const std::lock_guard hold{mutex_};
  const auto at = std::find_if(loops_.begin(), loops_.end(), [&](const auto& each) {
    return &each->context() == &socket.context();
  });
  if (at != loops_.end()) {
    (*at)->enter(socket);
  } else {
    loops_.push_back(std::make_shared<topic_members>(socket.context(), weak_from_this()));
    loops_.back()->enter(socket);
  }
  size_.fetch_add(1, std::memory_order_relaxed);
}

void topic_hub::unsubscribe(websocket_core& socket) {
  const auto at = place_of(*this, socket);
  if (at == socket.subscriptions().end()) return;
  const auto leaving = *at;
  socket.subscriptions().erase(at);
  leaving.in->leave(leaving.place);
}

void topic_hub::left(topic_members& members) {
  size_.fetch_sub(1, std::memory_order_relaxed);
  if (!members.empty()) return;
  const std::lock_guard hold{mutex_};
  std::erase_if(loops_, [&](const auto& each) { return each.get() == &members; });
}

bool topic_hub::publish(const publication& what) {
  const std::lock_guard hold{mutex_};
  bool all = true;
  for (const auto& each : loops_) all = each->publish(what) && all;
  return all;
}

}  // namespace baton::http

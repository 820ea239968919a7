#include "http/topic_members.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <span>
#include <utility>

#include "http/topic_hub.hpp"
#include "http/websocket_core.hpp"

namespace baton::http {
namespace {

constexpr std::size_t max_waiting = std::size_t{64} * 1024 * 1024;
constexpr std::size_t overhead = 256;  // of a message, beside its payload

}  // namespace

void topic_members::enter(websocket_core& socket) {
  std::uint64_t next = 0;
  {
    const std::lock_guard hold{mutex_};
    next = first_waiting_ + waiting_.size();
  }
  members_.push_back({&socket, next});
  socket.subscriptions().push_back({shared_from_this(), members_.size() - 1});
}

void topic_members::leave(std::size_t place) {
  if (place + 1 != members_.size()) {
    members_[place] = members_.back();
    for (auto& each : members_[place].socket->subscriptions())
      if (each.in.get() == this) each.place = place;
  }
  members_.pop_back();
  if (const auto hub = of_.lock()) hub->left(*this);
}

bool topic_members::publish(const publication& what) {
  const auto size = what.message.payload().size() + overhead;
  const std::lock_guard hold{mutex_};
  if (!waiting_.empty() && waiting_bytes_ + size > max_waiting) return false;
  waiting_.push_back(what);
  waiting_bytes_ += size;
  if (!std::exchange(posted_, true))
    boost::asio::post(on_.get_executor(), [self = shared_from_this()] { self->deliver(); });
  return true;
}

void topic_members::deliver() {
  std::vector<publication> all;
  std::uint64_t first = 0;
  {
    const std::lock_guard hold{mutex_};
    all.swap(waiting_);
    waiting_bytes_ = 0;
    first = std::exchange(first_waiting_, first_waiting_ + all.size());
    posted_ = false;
  }
  // Nobody leaves meanwhile: sockets that fail do so in a turn of their own.
  for (const auto& [socket, since] : members_) {
    std::span<const publication> its{all};
    if (since > first) its = its.subspan(std::min<std::size_t>(since - first, its.size()));
    if (!its.empty()) socket->send_all(its);
  }
}

}  // namespace baton::http

#include "admin/live_feed.hpp"

#include <boost/asio/post.hpp>
#include <utility>

namespace baton::admin {

void live_feed::join(http::event_stream client, boost::asio::io_context& on, std::string greeting) {
  // Moved on, never copied: the last handle of a stream must go on the stream's own thread.
  auto made = std::make_shared<follower>(follower{std::move(client), on});
  {
    const std::scoped_lock lock{mutex_};
    followers_.push_back(made);
  }
  boost::asio::post(
      on, [this, whom = std::move(made), with = std::move(greeting)] { greet(whom, with); });
}

void live_feed::greet(const std::shared_ptr<follower>& whom, const std::string& with) {
  // The stream keeps its callback, so the callback must not keep the stream.
  whom->stream.on_closed([this, weak = std::weak_ptr{whom}] {
    if (const auto who = weak.lock()) leave(who);
  });
  if (!whom->stream.send({.data = with, .event = "hello"})) leave(whom);
}

void live_feed::leave(const std::shared_ptr<follower>& who) {
  const std::scoped_lock lock{mutex_};
  std::erase(followers_, who);
}

void live_feed::send(std::string_view event, std::string data) {
  const auto shared = std::make_shared<const std::string>(std::move(data));
  const std::scoped_lock lock{mutex_};
  for (const auto& each : followers_)
    boost::asio::post(each->on, [this, to = each, event = std::string{event}, shared] {
      if (to->stream.send({.data = *shared, .event = event})) return;
      // Who has not taken a megabyte of this is not looking; it comes back if it is.
      to->stream.close();
      leave(to);
    });
}

std::size_t live_feed::size() const {
  const std::scoped_lock lock{mutex_};
  return followers_.size();
}

}  // namespace baton::admin

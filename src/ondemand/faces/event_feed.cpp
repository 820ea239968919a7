#include "ondemand/faces/event_feed.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>
#include <utility>

namespace baton::ondemand {

event_feed::event_feed(boost::asio::io_context& control, std::function<std::string()> figures)
    : control_{control}, figures_{std::move(figures)}, clock_{control} {}

void event_feed::join(http::event_stream client, boost::asio::io_context& on, bool with_figures,
                      std::vector<feed_event> first) {
  auto made = std::make_shared<follower>(follower{std::move(client), on, with_figures});
  followers_.push_back(made);
  boost::asio::post(on, [this, whom = made] {
    // The stream keeps its callback, so the callback must not keep the stream.
    whom->stream.on_closed([this, weak = std::weak_ptr{whom}] {
      boost::asio::post(control_, [this, weak] {
        if (const auto who = weak.lock()) leave(who);
      });
    });
  });
  send_to(made, std::make_shared<const std::vector<feed_event>>(std::move(first)));
  if (with_figures && !std::exchange(ticking_, true)) tick();
}

void event_feed::send_to(const std::shared_ptr<follower>& whom, const messages& what) {
  boost::asio::post(whom->on, [this, whom, what] {
    for (const auto& each : *what) {
      const auto id = each.id ? std::to_string(*each.id) : std::string{};
      if (whom->stream.send({.data = each.data, .event = each.event, .id = id})) continue;
      // Who has not taken a megabyte of this is not looking; it comes back if it is.
      whom->stream.close();
      return boost::asio::post(control_, [this, weak = std::weak_ptr{whom}] {
        if (const auto who = weak.lock()) leave(who);
      });
    }
  });
}

void event_feed::leave(const std::shared_ptr<follower>& who) {
  std::erase(followers_, who);
  if (!figures_are_wanted()) clock_.cancel();
  // Its stream goes on its own thread.
  boost::asio::post(who->on, [who] {});
}

void event_feed::send(feed_event what) {
  if (followers_.empty()) return;
  const auto shared = std::make_shared<const std::vector<feed_event>>(std::vector{std::move(what)});
  for (const auto& each : followers_) send_to(each, shared);
}

bool event_feed::figures_are_wanted() const noexcept {
  return std::any_of(followers_.begin(), followers_.end(),
                     [](const auto& each) { return each->with_figures; });
}

void event_feed::tick() {
  clock_.expires_after(std::chrono::seconds{1});
  clock_.async_wait([this](const boost::system::error_code& /*cancelled*/) {
    ticking_ = figures_are_wanted();
    if (!ticking_) return;
    const auto shared = std::make_shared<const std::vector<feed_event>>(
        std::vector{feed_event{"services", figures_(), {}}});
    for (const auto& each : followers_)
      if (each->with_figures) send_to(each, shared);
    tick();
  });
}

}  // namespace baton::ondemand

#include "ondemand/starter/proxied_starter.hpp"

#include <boost/asio/post.hpp>
#include <utility>

namespace baton::ondemand {

proxied_starter::proxied_starter(boost::asio::io_context& context, net::address target,
                                 starter_events events)
    : context_{context}, target_{std::move(target)}, events_{std::move(events)} {}

void proxied_starter::start() {
  boost::asio::post(context_, [this, alive = std::weak_ptr{alive_}] {
    if (alive.expired()) return;
    events_.on_spawned();
    if (!alive.expired()) events_.on_ready();
  });
}

void proxied_starter::stop() {
  boost::asio::post(context_, [this, alive = std::weak_ptr{alive_}] {
    if (!alive.expired()) events_.on_stopped({});
  });
}

}  // namespace baton::ondemand

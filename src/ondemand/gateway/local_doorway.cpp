#include "ondemand/gateway/local_doorway.hpp"

#include <boost/asio/post.hpp>
#include <mutex>
#include <utility>

namespace baton::ondemand {

local_doorway::local_doorway(boost::asio::io_context& control, std::string service,
                             door_options options, std::shared_ptr<waiting_room> room,
                             doorway_events events)
    : control_{control},
      service_{std::move(service)},
      options_{std::move(options)},
      room_{std::move(room)},
      events_{std::make_shared<doorway_events>(std::move(events))} {}

std::function<void()> local_doorway::carried(const std::function<void()>& event) const {
  return [&control = control_, &event, alive = std::weak_ptr{events_}] {
    boost::asio::post(control, [&event, alive] {
      if (const auto kept = alive.lock()) event();
    });
  };
}

std::unique_ptr<door> local_doorway::make_door(net::loop& on) {
  door_events events{
      .wanted = carried(events_->wanted),
      .deserted = carried(events_->deserted),
      .emptied = carried(events_->emptied),
      .suspect =
          [&control = control_, alive = std::weak_ptr{events_}](const std::string& why) {
            boost::asio::post(control, [alive, why] {
              if (const auto kept = alive.lock()) kept->suspect(why);
            });
          },
      .answered = carried(events_->answered)};
  return std::make_unique<door>(on, service_, options_, room_, std::move(events));
}

void local_doorway::on_each_door(const std::function<void(door&)>& call) {
  for (const auto& each : doors_) {
    if (each.context == &control_) {
      call(*each.at);
    } else {
      boost::asio::post(*each.context, [call, at = each.at] { call(*at); });
    }
  }
}

void local_doorway::update(const door_options& options) {
  options_.follow(options);
  on_each_door([options](door& each) { each.update(options); });
}

void local_doorway::gather(std::function<void(door&)> first, answer then) {
  struct answers {
    std::mutex mutex;
    traffic found;
    std::size_t missing = 0;
  };
  const auto all = std::make_shared<answers>();
  all->missing = doors_.size();
  const auto done = [&control = control_, all, then = std::move(then),
                     alive = std::weak_ptr{events_}] {
    boost::asio::post(control, [all, then, alive] {
      if (const auto kept = alive.lock()) then(all->found);
    });
  };
  if (doors_.empty()) return done();
  on_each_door([all, done, first = std::move(first)](door& each) {
    if (first) first(each);
    const auto now = each.now();
    const std::scoped_lock lock{all->mutex};
    all->found = sum(all->found, now);
    if (--all->missing == 0) done();
  });
}

void local_doorway::open(const net::address& target) {
  on_each_door([target](door& each) { each.open(target); });
}

void local_doorway::try_out(const net::address& target) {
  on_each_door([target](door& each) { each.try_out(target); });
}

void local_doorway::close(answer closed) {
  gather([](door& each) { each.close(); }, std::move(closed));
}

void local_doorway::ask(answer told) { gather({}, std::move(told)); }

/// In one visit of each door: what came between two would be neither told nor watched.
void local_doorway::watch(answer told) {
  gather([](door& each) { each.watch(); }, std::move(told));
}

void local_doorway::refuse(const std::string& why, std::chrono::milliseconds retry_after) {
  on_each_door([why, retry_after](door& each) { each.refuse(why, retry_after); });
}

void local_doorway::cleared() {
  on_each_door([](door& each) { each.cleared(); });
}

}  // namespace baton::ondemand

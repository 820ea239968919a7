#include "ondemand/gateway/remote_doorway.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

namespace baton::ondemand {
namespace {

constexpr std::chrono::seconds longest_thought{10};

}  // namespace

remote_doorway::remote_doorway(boost::asio::io_context& context, std::string service,
                               doorway_events events, sender send, std::function<void()> too_late)
    : context_{context},
      service_{std::move(service)},
      events_{std::move(events)},
      send_{std::move(send)},
      too_late_{std::move(too_late)},
      patience_{context},
      last_number_{
          static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count())} {
}

void remote_doorway::put(question what) {
  if (gone_)
    return boost::asio::post(context_, [then = std::move(what.then), last = last_] {
      then({0, last});
    });
  const auto number = ++last_number_;
  send(number, questions_.emplace(number, std::move(what)).first->second);
  if (questions_.size() == 1) arm();
}

void remote_doorway::send(std::uint64_t number, const question& what) {
  switch (what.is) {
    case question::kind::close:
      return send_(wire::close{service_, number});
    case question::kind::ask:
      return send_(wire::ask{service_, number});
    case question::kind::watch:
      return send_(wire::watch{service_, number});
  }
}

void remote_doorway::arm() {
  patience_.expires_after(longest_thought);
  patience_.async_wait([this, alive = std::weak_ptr{alive_}](error_code cancelled) {
    if (!cancelled && !alive.expired() && !gone_ && !questions_.empty()) too_late_();
  });
}

void remote_doorway::told(const wire::traffic& what) {
  const auto found = questions_.find(what.question);
  if (found == questions_.end()) return;
  const auto then = std::move(found->second.then);
  questions_.erase(found);
  if (questions_.empty()) {
    patience_.cancel();
  } else {
    arm();
  }
  last_was(what.last);
  then({what.open, last_});
}

void remote_doorway::knocked(std::size_t waiting) {
  waiting_ = waiting;
  waiting_ > 0 ? events_.wanted() : events_.deserted();
}

void remote_doorway::last_was(std::optional<time_point> when) { last_ = std::max(last_, when); }

void remote_doorway::ask_again() {
  for (const auto& [number, each] : questions_) send(number, each);
  if (watching_) send_(wire::watch{service_, 0});  // the answer is nobody's
}

void remote_doorway::end(std::optional<time_point> when) {
  if (std::exchange(gone_, true)) return;
  last_was(when);
  patience_.cancel();
  const bool waited = std::exchange(waiting_, 0) > 0;
  for (auto& [number, each] : std::exchange(questions_, {})) put(std::move(each));
  if (waited) events_.deserted();
  if (std::exchange(watching_, false)) events_.emptied();
}

void remote_doorway::open(const net::address& target) {
  watching_ = false;
  if (!gone_) send_(wire::open{service_, target.to_string()});
}

void remote_doorway::try_out(const net::address& target) {
  watching_ = false;
  if (!gone_) send_(wire::open{service_, target.to_string(), true});
}

void remote_doorway::close(answer closed) { put({std::move(closed), question::kind::close}); }

void remote_doorway::ask(answer told) { put({std::move(told), question::kind::ask}); }

void remote_doorway::watch(answer told) {
  watching_ = !gone_;
  put({std::move(told), question::kind::watch});
}

void remote_doorway::refuse(const std::string& why, std::chrono::milliseconds retry_after) {
  if (!gone_) send_(wire::turn_away{service_, why, retry_after.count()});
}

void remote_doorway::cleared() {
  if (!gone_) send_(wire::cleared{service_});
}

}  // namespace baton::ondemand

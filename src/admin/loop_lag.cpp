#include "admin/loop_lag.hpp"

#include <algorithm>

#include "baton/net/loop.hpp"
#include "baton/server/server.hpp"

namespace baton::admin {

void loop_lag::measure() {
  unsigned round = 0;
  {
    const std::scoped_lock lock{marks_->mutex};
    for (const auto& each : marks_->loops)
      if (each.answered != marks_->round) return;  // it still waits, and so would the next one
    round = ++marks_->round;
    marks_->sent = clock::now();
  }
  of_.on_every_loop([marks = marks_, round](net::loop& on) {
    const auto now = clock::now();
    const std::scoped_lock lock{marks->mutex};
    if (marks->loops.size() <= on.index()) marks->loops.resize(on.index() + 1, {round, {}});
    marks->loops[on.index()] = {round, now - marks->sent};
  });
}

std::chrono::duration<double> loop_lag::worst() const {
  const auto now = clock::now();
  const std::scoped_lock lock{marks_->mutex};
  clock::duration most{0};
  for (const auto& each : marks_->loops)
    most = std::max(most, each.answered == marks_->round ? each.lag : now - marks_->sent);
  return most;
}

}  // namespace baton::admin

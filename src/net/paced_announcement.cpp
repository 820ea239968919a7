#include "baton/net/paced_announcement.hpp"

#include <algorithm>
#include <limits>

namespace baton::net {

using std::chrono::milliseconds;

paced_announcement::paced_announcement(registry& all, timer_wheel& timers, milliseconds over)
    : tour_{all}, timers_{timers} {
  const auto ticks =
      static_cast<std::size_t>(std::max<milliseconds::rep>(over / timer_wheel::tick, 1));
  batch_ = (all.size() + ticks - 1) / ticks;
  on_deadline();
}

paced_announcement::~paced_announcement() { timers_.cancel(*this); }

void paced_announcement::on_deadline() {
  for (std::size_t told = 0; told < batch_ && !tour_.done(); ++told) tour_.next()->announce();
  if (!tour_.done()) timers_.arm(*this, timer_wheel::tick);
}

milliseconds comeback_time(std::size_t count) noexcept {
  constexpr std::size_t a_second = 4000;
  return milliseconds{static_cast<milliseconds::rep>(count * 1000 / a_second)};
}

}  // namespace baton::net

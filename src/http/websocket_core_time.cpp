// What a WebSocket does when nothing comes. The clock is not read for each message: a beat looks
// whether there was one since the last beat.
#include <algorithm>
#include <utility>

#include "http/websocket_core.hpp"

namespace baton::http {
namespace {

using std::chrono::milliseconds;

constexpr auto never = milliseconds::max();
constexpr int beats_of_a_bound = 4;  // how exactly idle_timeout and message_timeout are kept

bool beyond(milliseconds bound, std::uint32_t passed) noexcept {
  return bound.count() != 0 && passed >= bound.count();
}

}  // namespace

milliseconds websocket_core::beat_period() const noexcept {
  const auto& granted = route_.options;
  auto period = never;
  if (granted.ping_interval.count() != 0) period = granted.ping_interval;
  for (const auto bound : {granted.idle_timeout, granted.message_timeout})
    if (bound.count() != 0)
      period = std::min(period, std::max(bound / beats_of_a_bound, milliseconds{1}));
  return period;
}

/// From the last beat to the next.
milliseconds websocket_core::beat_step() const noexcept {
  const auto period = beat_period();
  if (awaited_ != awaited::pong) return period;
  return std::min(period, route_.options.pong_deadline - milliseconds{silent_ms_});
}

void websocket_core::arm(awaited next, milliseconds after) {
  awaited_ = next;
  transport_->arm(after);
}

void websocket_core::start_beat() {
  heard_ = spoke_ = false;
  if (const auto period = beat_period(); period != never) arm(awaited::beat, period);
}

/// Each time counts from the beat behind its beginning: no bound is met early.
void websocket_core::count_time(std::uint32_t passed) noexcept {
  quiet_ms_ = std::exchange(spoke_, false) ? 0 : quiet_ms_ + passed;
  silent_ms_ = std::exchange(heard_, false) ? 0 : silent_ms_ + passed;
  unfinished_ms_ = halfway_ ? unfinished_ms_ + passed : 0;
  halfway_ = !reader_.at_boundary();
  waited_ = backlog_ != 0;
}

void websocket_core::on_beat(websocket& self) {
  const auto& granted = route_.options;
  count_time(static_cast<std::uint32_t>(beat_step().count()));
  if (beyond(granted.idle_timeout, quiet_ms_))
    return say_close(close_code::going_away, "no message came or went for too long");
  if (beyond(granted.message_timeout, unfinished_ms_))
    return say_close(close_code::policy_violation, "a message took too long");
  if (awaited_ == awaited::pong && silent_ms_ != 0) {
    if (beyond(granted.pong_deadline, silent_ms_))
      return conclude(ending::cut, {close_code::abnormal, "no answer came to a ping", false}, self);
    return transport_->arm(beat_step());
  }
  if (!beyond(granted.ping_interval, silent_ms_)) return arm(awaited::beat, beat_period());
  silent_ms_ = 0;
  awaited_ = awaited::pong;
  transport_->arm(beat_step());
  put_control(engine::opcode::ping, {});
}

void websocket_core::on_deadline() {
  if (transport_ == nullptr) return;
  websocket self{shared_from_this()};
  switch (awaited_) {
    case awaited::nothing:
      return;
    case awaited::beat:
    case awaited::pong:
      return on_beat(self);
    case awaited::close:
      return conclude(ending::cut, {said_, "no answer came to our close frame", false}, self);
    case awaited::failure:
      return conclude(ending::cut, failure_, self);
  }
}

}  // namespace baton::http

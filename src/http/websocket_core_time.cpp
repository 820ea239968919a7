// What a WebSocket does when nothing comes. The clock is not read for each message: a beat looks
// whether there was one since the last beat.
#include <algorithm>
#include <utility>

#include "http/websocket_core.hpp"

namespace baton::http {
namespace {

constexpr auto never = std::chrono::milliseconds::max();
constexpr int beats_of_idleness = 4;  // how exactly idle_timeout is kept

}  // namespace

std::chrono::milliseconds websocket_core::beat_period() const noexcept {
  const auto& granted = route_.options;
  auto period = never;
  if (granted.ping_interval.count() != 0) period = granted.ping_interval;
  if (granted.idle_timeout.count() != 0) {
    const auto quarter = granted.idle_timeout / beats_of_idleness;
    period = std::min(period, std::max(quarter, std::chrono::milliseconds{1}));
  }
  return period;
}

void websocket_core::arm(awaited next, std::chrono::milliseconds after) {
  awaited_ = next;
  transport_->arm(after);
}

void websocket_core::start_beat() {
  heard_ = spoke_ = false;
  if (const auto period = beat_period(); period != never) arm(awaited::beat, period);
}

void websocket_core::on_beat() {
  const auto& granted = route_.options;
  const auto period = beat_period();
  const auto passed = static_cast<std::uint32_t>(period.count());
  quiet_ms_ = std::exchange(spoke_, false) ? 0 : quiet_ms_ + passed;
  silent_ms_ = std::exchange(heard_, false) ? 0 : silent_ms_ + passed;
  if (granted.idle_timeout.count() != 0 && quiet_ms_ >= granted.idle_timeout.count())
    return say_close(close_code::going_away, "no message came or went for too long");
  if (granted.ping_interval.count() == 0 || silent_ms_ < granted.ping_interval.count())
    return arm(awaited::beat, period);
  silent_ms_ = 0;
  arm(awaited::pong, granted.pong_deadline);
  put_control(engine::opcode::ping, {});
}

void websocket_core::on_deadline() {
  if (transport_ == nullptr) return;
  websocket self{shared_from_this()};
  switch (std::exchange(awaited_, awaited::nothing)) {
    case awaited::nothing:
      return;
    case awaited::beat:
      return on_beat();
    case awaited::pong:
      if (std::exchange(heard_, false)) return arm(awaited::beat, beat_period());
      return conclude(ending::cut, {close_code::abnormal, "no answer came to a ping", false}, self);
    case awaited::close:
      return conclude(ending::cut, {said_, "no answer came to our close frame", false}, self);
    case awaited::failure:
      return conclude(ending::cut, failure_, self);
  }
}

}  // namespace baton::http

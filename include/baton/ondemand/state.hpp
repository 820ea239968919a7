#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace baton::ondemand {

/// Where a service stands.
///
///     stopped --want--> starting --came_up--> ready --leave--> draining --emptied--> stopping
///        ^                 |                   ^ |                |  |                  ^ |
///        |                 |                   +-|----recall------+  |                  | |
///        |                 +--fail, leave--------+--fail-------------+--fail------------+ |
///        +---------------------------------------------------------------gone-------------+
///        |                                                                                |
///        +--leave-- failed --want--> starting                 failed <------gone_bad------+
///
/// The table below is this diagram; nothing else moves a service. Whatever was started goes through
/// `stopping`, and leaves it only when none of its processes lives any more.
enum class service_state : std::uint8_t { stopped, starting, ready, draining, stopping, failed };

enum class service_event : std::uint8_t {
  want,      ///< a request came for it, or the operator wants it
  came_up,   ///< its readiness was met
  fail,      ///< it could not be started, was not ready in time, or ended by itself
  leave,     ///< it was idle for long enough, or the operator wants it to stop
  recall,    ///< a request came before anything was ended
  emptied,   ///< nothing is open on it any more, or the time for that is over
  gone,      ///< none of its processes is left
  gone_bad,  ///< the same, after it had failed; or it could not be ended
};

struct service_transition {
  service_state from;
  service_event on;
  service_state to;
};

inline constexpr service_transition service_lifecycle[] = {
    {service_state::stopped, service_event::want, service_state::starting},
    {service_state::starting, service_event::came_up, service_state::ready},
    {service_state::starting, service_event::fail, service_state::stopping},
    {service_state::starting, service_event::leave, service_state::stopping},
    {service_state::ready, service_event::leave, service_state::draining},
    {service_state::ready, service_event::fail, service_state::stopping},
    {service_state::draining, service_event::recall, service_state::ready},
    {service_state::draining, service_event::emptied, service_state::stopping},
    {service_state::draining, service_event::fail, service_state::stopping},
    {service_state::stopping, service_event::gone, service_state::stopped},
    {service_state::stopping, service_event::gone_bad, service_state::failed},
    {service_state::failed, service_event::want, service_state::starting},
    {service_state::failed, service_event::leave, service_state::stopped},
};

/// The state after `on` in `from`, or nothing if the event means nothing there.
constexpr std::optional<service_state> next(service_state from, service_event on) noexcept {
  for (const auto& entry : service_lifecycle)
    if (entry.from == from && entry.on == on) return entry.to;
  return std::nullopt;
}

static_assert(next(service_state::stopped, service_event::want) == service_state::starting);
static_assert(!next(service_state::starting, service_event::want), "one start however many wait");
static_assert(!next(service_state::stopping, service_event::want), "what is ended ends first");
static_assert(next(service_state::draining, service_event::recall) == service_state::ready);

[[nodiscard]] std::string_view to_string(service_state value) noexcept;
[[nodiscard]] std::string_view to_string(service_event value) noexcept;

}  // namespace baton::ondemand

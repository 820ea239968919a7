#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace baton::lineage {

/// Where a generation stands in its life.
///
///     starting --ready--> serving --upgrade--> upgrading --child_ready--> draining --done-->
///                           ^  ^                  |                        |          stopped
///                           |  +----child_lost----+                        |
///                           +---------child_lost (probation)---------------+
///     serving --leave--> announcing --announced--> draining
///
/// The table below is this diagram; nothing else moves a phase.
enum class phase : std::uint8_t { starting, serving, upgrading, announcing, draining, stopped };

enum class event : std::uint8_t { ready, upgrade, child_ready, child_lost, leave, announced, done };

struct transition {
  phase from;
  event on;
  phase to;
};

inline constexpr transition lifecycle[] = {
    {phase::starting, event::ready, phase::serving},
    {phase::starting, event::leave, phase::draining},
    {phase::serving, event::upgrade, phase::upgrading},
    {phase::upgrading, event::child_ready, phase::draining},
    {phase::upgrading, event::child_lost, phase::serving},
    {phase::upgrading, event::leave, phase::announcing},
    {phase::serving, event::leave, phase::announcing},
    {phase::announcing, event::announced, phase::draining},
    {phase::draining, event::child_lost, phase::serving},
    {phase::draining, event::done, phase::stopped},
};

/// The phase after `on` in `from`, or nothing if the event means nothing there.
constexpr std::optional<phase> next(phase from, event on) noexcept {
  for (const auto& entry : lifecycle)
    if (entry.from == from && entry.on == on) return entry.to;
  return std::nullopt;
}

static_assert(next(phase::upgrading, event::child_lost) == phase::serving);
static_assert(next(phase::upgrading, event::child_ready) == phase::draining);
static_assert(!next(phase::upgrading, event::upgrade));
static_assert(!next(phase::stopped, event::ready));

[[nodiscard]] std::string_view to_string(phase value) noexcept;
[[nodiscard]] std::string_view to_string(event value) noexcept;

}  // namespace baton::lineage

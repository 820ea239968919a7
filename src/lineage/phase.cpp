#include "baton/lineage/phase.hpp"

namespace baton::lineage {

std::string_view to_string(phase value) noexcept {
  switch (value) {
    case phase::starting:
      return "starting";
    case phase::serving:
      return "serving";
    case phase::upgrading:
      return "upgrading";
    case phase::announcing:
      return "announcing";
    case phase::draining:
      return "draining";
    case phase::stopped:
      return "stopped";
  }
  return "unknown";
}

std::string_view to_string(event value) noexcept {
  switch (value) {
    case event::ready:
      return "ready";
    case event::upgrade:
      return "upgrade";
    case event::child_ready:
      return "child_ready";
    case event::child_lost:
      return "child_lost";
    case event::leave:
      return "leave";
    case event::announced:
      return "announced";
    case event::done:
      return "done";
  }
  return "unknown";
}

}  // namespace baton::lineage

#include "baton/ondemand/state.hpp"

namespace baton::ondemand {

std::string_view to_string(service_state value) noexcept {
  switch (value) {
    case service_state::stopped:
      return "stopped";
    case service_state::starting:
      return "starting";
    case service_state::ready:
      return "ready";
    case service_state::draining:
      return "draining";
    case service_state::stopping:
      return "stopping";
    case service_state::failed:
      return "failed";
  }
  return "unknown";
}

std::string_view to_string(service_event value) noexcept {
  switch (value) {
    case service_event::want:
      return "want";
    case service_event::came_up:
      return "came_up";
    case service_event::fail:
      return "fail";
    case service_event::leave:
      return "leave";
    case service_event::recall:
      return "recall";
    case service_event::emptied:
      return "emptied";
    case service_event::gone:
      return "gone";
    case service_event::gone_bad:
      return "gone_bad";
  }
  return "unknown";
}

}  // namespace baton::ondemand

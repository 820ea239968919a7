#include "admin/readiness.hpp"

namespace baton::admin {

void readiness::enter(lineage::phase now_in) noexcept {
  switch (now_in) {
    case lineage::phase::starting:
      return;
    case lineage::phase::serving:
    case lineage::phase::upgrading:
      return now_.store(state::ready, std::memory_order_release);
    case lineage::phase::announcing:
      return now_.store(state::leaving, std::memory_order_release);
    case lineage::phase::draining:
    case lineage::phase::stopped:
      // Only a generation that serves hands over; one that is leaving stays so.
      if (now() == state::ready) now_.store(state::handed_over, std::memory_order_release);
      if (now() == state::starting) now_.store(state::leaving, std::memory_order_release);
      return;
  }
}

std::string_view readiness::reason() const noexcept {
  switch (now()) {
    case state::starting:
      return "this generation has not said ready yet";
    case state::ready:
      return "";
    case state::handed_over:
      return "this generation has handed over and drains; the next one serves here";
    case state::leaving:
      return "the service is leaving: it finishes what is open";
  }
  return "";
}

}  // namespace baton::admin

#include "admin/restart_outcome.hpp"

#include "baton/lineage/upgrade_error.hpp"

namespace baton::admin {

std::string_view restart_outcome(const error_code& outcome) noexcept {
  using lineage::upgrade_error;
  if (!outcome) return "handed_over";
  if (outcome.category() != lineage::upgrade_category()) return "channel_broken";
  switch (static_cast<upgrade_error>(outcome.value())) {
    case upgrade_error::in_progress:  // refused: no attempt, and no report of it
    case upgrade_error::not_serving:
      return "not_serving";
    case upgrade_error::executable_missing:
      return "executable_missing";
    case upgrade_error::spawn_failed:
      return "spawn_failed";
    case upgrade_error::child_exited:
      return "child_exited";
    case upgrade_error::child_late:
      return "child_late";
    case upgrade_error::child_refused:
      return "child_refused";
    case upgrade_error::version_mismatch:
      return "version_mismatch";
    case upgrade_error::channel_broken:
      break;
  }
  return "channel_broken";
}

}  // namespace baton::admin

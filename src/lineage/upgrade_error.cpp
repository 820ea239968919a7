#include "baton/lineage/upgrade_error.hpp"

#include <string>

namespace baton::lineage {
namespace {

const char* describe(upgrade_error error) noexcept {
  switch (error) {
    case upgrade_error::in_progress:
      return "an upgrade is in progress: wait until the new process is ready or has failed, then "
             "try again";
    case upgrade_error::not_serving:
      return "this generation is not serving: send the upgrade to the one that is";
    case upgrade_error::executable_missing:
      return "the program cannot be executed any more: put it back at its path and try again";
    case upgrade_error::spawn_failed:
      return "the new process could not be started: free memory, processes or descriptors and try "
             "again";
    case upgrade_error::child_exited:
      return "the new process ended before it was ready: look at its log lines and try again";
    case upgrade_error::child_late:
      return "the new process was not ready by its deadline and was killed: let it report progress "
             "or raise ready_timeout";
    case upgrade_error::child_refused:
      return "the new process said that it cannot serve: remove the reason it gave and try again";
    case upgrade_error::version_mismatch:
      return "the new process speaks no common handoff version: start it anew instead of upgrading";
    case upgrade_error::channel_broken:
      return "the handoff channel failed: look at the log lines of both processes and try again";
  }
  return "unknown upgrade error";
}

// Boost's base class has no virtual destructor by design; the one instance is static.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
class category final : public boost::system::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "baton.upgrade"; }
  [[nodiscard]] std::string message(int value) const override {
    return describe(static_cast<upgrade_error>(value));
  }
};
#pragma GCC diagnostic pop

}  // namespace

const boost::system::error_category& upgrade_category() noexcept {
  static const category instance;
  return instance;
}

boost::system::error_code make_error_code(upgrade_error error) noexcept {
  return {static_cast<int>(error), upgrade_category()};
}

}  // namespace baton::lineage

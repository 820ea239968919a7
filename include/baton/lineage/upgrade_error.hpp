#pragma once

#include <boost/system/error_code.hpp>
#include <type_traits>

namespace baton::lineage {

/// Why an upgrade did not happen. Each prints as a sentence that says what to do next. In every
/// case the old generation goes on serving and the next upgrade may be tried at once.
enum class upgrade_error {
  in_progress = 1,     ///< another child is not ready yet
  not_serving,         ///< this generation is starting, draining or stopped
  executable_missing,  ///< the program's path cannot be executed any more
  spawn_failed,        ///< the program could not be started
  child_exited,        ///< the child ended before it was ready
  child_late,          ///< the child was not ready by its deadline, and was killed
  child_refused,       ///< the child said why it cannot serve
  version_mismatch,    ///< no handoff version is spoken by both
  channel_broken,      ///< the handoff channel failed
};

const boost::system::error_category& upgrade_category() noexcept;
boost::system::error_code make_error_code(upgrade_error error) noexcept;

}  // namespace baton::lineage

template <>
struct boost::system::is_error_code_enum<baton::lineage::upgrade_error> : std::true_type {};

#include "ondemand/process/exit_status.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

namespace baton::ondemand {

exit_status exit_status::from_wait(int status) noexcept {
  if (WIFEXITED(status)) return {kind::exited, WEXITSTATUS(status)};
  if (WIFSIGNALED(status))
    return {WCOREDUMP(status) ? kind::dumped : kind::signalled, WTERMSIG(status)};
  return {};
}

std::optional<int> exit_status::to_wait() const noexcept {
  switch (kind_) {
    case kind::exited:
      return W_EXITCODE(value_, 0);
    case kind::signalled:
      return W_EXITCODE(0, value_);
    case kind::dumped:
      return W_EXITCODE(0, value_) | WCOREFLAG;
    case kind::unknown:
      break;
  }
  return std::nullopt;
}

exit_status exit_status::from_info(int code, int status) noexcept {
  switch (code) {
    case CLD_EXITED:
      return {kind::exited, status};
    case CLD_KILLED:
      return {kind::signalled, status};
    case CLD_DUMPED:
      return {kind::dumped, status};
    default:
      return {};
  }
}

std::optional<int> exit_status::code() const noexcept {
  return kind_ == kind::exited ? std::optional{value_} : std::nullopt;
}

std::optional<int> exit_status::signal() const noexcept {
  return kind_ == kind::signalled || kind_ == kind::dumped ? std::optional{value_} : std::nullopt;
}

std::string exit_status::to_string() const {
  if (kind_ == kind::unknown)
    return "ended (its status is known only to the process that started it)";
  if (kind_ == kind::exited) return fmt::format("exited with status {}", value_);
  const char* name = ::sigabbrev_np(value_);
  const char* text = ::sigdescr_np(value_);
  return fmt::format("was killed by SIG{} ({}{})", name != nullptr ? name : std::to_string(value_),
                     text != nullptr ? text : "no description",
                     kind_ == kind::dumped ? ", core dumped" : "");
}

}  // namespace baton::ondemand

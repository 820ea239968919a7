#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace baton::ondemand {

/// What a service said by sd_notify(3), one datagram. Assignments that mean nothing to us, or that
/// cannot be read, are left out.
struct notification {
  bool ready = false;                                            ///< READY=1
  bool stopping = false;                                         ///< STOPPING=1
  bool reloading = false;                                        ///< RELOADING=1
  bool watchdog = false;                                         ///< WATCHDOG=1
  std::optional<std::string> status = {};                        ///< STATUS=
  std::optional<pid_t> main_pid = {};                            ///< MAINPID=
  std::optional<std::chrono::microseconds> extend_timeout = {};  ///< EXTEND_TIMEOUT_USEC=
  std::optional<int> error_number = {};                          ///< ERRNO=

  [[nodiscard]] static notification parse(std::string_view datagram);
};

}  // namespace baton::ondemand

#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>

#include "baton/base/error.hpp"

namespace baton {

/// How one attempt to bring up the next generation went.
struct upgrade_report {
  /// No error: it took over. Else lineage::upgrade_error, and this generation goes on.
  error_code outcome;
  /// For people: why not, and what to do; with what the child said of it, or how it ended.
  std::string reason;
  pid_t child = 0;                           ///< 0: none was started
  std::chrono::system_clock::time_point at;  ///< when it was asked for
  /// From the request to the spawn, from there to the child's word that it is ready (or to the
  /// failure), and both.
  std::chrono::microseconds spawn{0};
  std::chrono::microseconds start_up{0};
  std::chrono::microseconds total{0};
};

}  // namespace baton

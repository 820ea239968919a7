#include "server/role.hpp"

#include <unistd.h>

#include <cstdlib>

#include "baton/base/log.hpp"
#include "baton/lineage/supervisor.hpp"

namespace baton {

server_options supervise_if_asked(server_options options) {
  const bool wanted = options.supervise == supervise_mode::always ||
                      (options.supervise == supervise_mode::automatic && ::getpid() == 1);
  if (!wanted || lineage::supervised()) return options;
  const int status = lineage::run_supervisor({.pid_file = options.pid_file,
                                              .ready_timeout = options.ready_timeout,
                                              .ready_timeout_cap = options.ready_timeout_cap});
  flush_logs();
  // The supervisor has nothing but descriptors; the program's own set-up never began here.
  std::exit(status);  // NOLINT(concurrency-mt-unsafe)
}

lineage::generation_options as_generation(const server_options& options) {
  return {.ready_timeout = options.ready_timeout,
          .ready_timeout_cap = options.ready_timeout_cap,
          .probation = options.probation,
          .max_draining = options.max_draining,
          // Under a supervisor the file holds the supervisor's pid, which never changes.
          .pid_file = lineage::supervised() ? std::string{} : options.pid_file};
}

}  // namespace baton

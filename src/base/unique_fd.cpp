#include "baton/base/unique_fd.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace baton {

void unique_fd::reset(int fd) noexcept {
  const int old = std::exchange(fd_, fd);
  if (old < 0) return;
  const int saved = errno;
  // On Linux the descriptor is gone whatever close(2) answers; a retry could close another's.
  static_cast<void>(::close(old));
  errno = saved;
}

unique_fd unique_fd::duplicate() const noexcept {
  return unique_fd{::fcntl(fd_, F_DUPFD_CLOEXEC, 10)};
}

}  // namespace baton

#include "base/log_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <filesystem>
#include <utility>

#include "baton/base/error.hpp"

namespace baton {
namespace {

constexpr mode_t file_mode = 0640;
constexpr std::size_t largest_batch = std::size_t{256} * 1024;

/// The working directory may be another one when the file is opened anew.
std::string absolute(const std::string& path) {
  std::error_code failed;
  const auto made = std::filesystem::absolute(path, failed);
  return failed ? path : made.string();
}

int open_for_appending(const std::string& path) noexcept {
  // Not blocking: a FIFO that nobody reads is an error, not a wait.
  const int fd = ::open(
      path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, file_mode);
  if (fd >= 0) static_cast<void>(::fcntl(fd, F_SETFL, O_APPEND));
  return fd;
}

}  // namespace

log_file::log_file() : fd_{STDERR_FILENO} { examine(); }

log_file::log_file(std::string path, std::string_view what)
    : path_{absolute(path)}, own_{open_for_appending(path_)}, fd_{own_.get()} {
  if (!own_)
    throw setup_error{fmt::format(
        "{} \"{}\" cannot be opened: {}; name a file in a directory that exists and that this user "
        "may write to, or none for standard error",
        what, path_, describe_errno(errno))};
  examine();
}

void log_file::examine() noexcept {
  struct stat information {};
  if (::fstat(fd_, &information) != 0) {
    batch_size_ = PIPE_BUF;
    return;
  }
  device_ = information.st_dev;
  inode_ = information.st_ino;
  may_block_ = !S_ISREG(information.st_mode);
  // Larger writes to a pipe may mix with those of another process (pipe(7)).
  batch_size_ = may_block_ ? PIPE_BUF : largest_batch;
}

ssize_t log_file::write(std::string_view lines) noexcept {
  // A longer line goes in parts, so that no write(2) ever waits for the reader.
  if (may_block_) lines = lines.substr(0, batch_size_);
  for (;;) {
    if (may_block_) {
      pollfd ready{fd_, POLLOUT, 0};
      const int found = ::poll(&ready, 1, static_cast<int>(patience.count()));
      if (found == 0) errno = EAGAIN;
      if (found <= 0 && errno != EINTR) return -1;
      if (found < 0) continue;
    }
    const auto taken = ::write(fd_, lines.data(), lines.size());
    if (taken >= 0 || errno != EINTR) return taken;
  }
}

bool log_file::replaced() const noexcept {
  if (path_.empty()) return false;
  struct stat information {};
  return ::stat(path_.c_str(), &information) == 0 &&
         (information.st_dev != device_ || information.st_ino != inode_);
}

std::string log_file::name() const { return path_.empty() ? "standard error" : '"' + path_ + '"'; }

}  // namespace baton

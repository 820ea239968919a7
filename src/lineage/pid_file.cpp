#include "lineage/pid_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>

#include "baton/base/unique_fd.hpp"

namespace baton::lineage {
namespace {

[[noreturn]] void refuse(const std::string& path, int reason) {
  std::string_view remedy = "make its directory exist and writable for this user, or name another";
  if (reason == EISDIR) remedy = "name a file, not a directory";
  if (reason == ENOSPC || reason == EDQUOT) remedy = "make room on its file system";
  if (reason == ENAMETOOLONG) remedy = "choose a shorter one";
  throw setup_error{
      fmt::format("cannot write pid file {}: {}; {}", path, describe_errno(reason), remedy)};
}

bool write_all(int fd, std::string_view text) noexcept {
  while (!text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

/// A fresh file beside `path`, so that rename(2) can put it there in one step.
class neighbour {
 public:
  explicit neighbour(const std::string& path)
      : name_{path + ".XXXXXX"}, fd_{::mkostemp(name_.data(), O_CLOEXEC)} {}
  neighbour(const neighbour&) = delete;
  neighbour& operator=(const neighbour&) = delete;
  ~neighbour() {
    if (fd_ && !moved_) static_cast<void>(::unlink(name_.c_str()));
  }

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  bool move_to(const std::string& path) noexcept {
    moved_ = std::rename(name_.c_str(), path.c_str()) == 0;
    return moved_;
  }

 private:
  std::string name_;
  unique_fd fd_;
  bool moved_ = false;
};

void refuse_directory(const std::string& path) {
  struct stat status {};
  if (path.back() == '/' || (::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)))
    refuse(path, EISDIR);
}

}  // namespace

void pid_file::check_writable() const {
  if (path_.empty()) return;
  refuse_directory(path_);
  const neighbour probe{path_};
  if (probe.fd() < 0) refuse(path_, errno);
}

void pid_file::write(pid_t pid) const {
  if (path_.empty()) return;
  refuse_directory(path_);
  neighbour fresh{path_};
  if (fresh.fd() < 0) refuse(path_, errno);
  if (!write_all(fresh.fd(), fmt::format("{}\n", pid)) || ::fchmod(fresh.fd(), 0644) != 0 ||
      !fresh.move_to(path_))
    refuse(path_, errno);
}

pid_t pid_file::read() const noexcept {
  if (path_.empty()) return 0;
  // A fifo by this name must not block us.
  const unique_fd file{::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!file) return 0;
  char text[32];
  const auto size = ::read(file.get(), text, sizeof text);
  if (size <= 0) return 0;
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(text, text + size, pid);
  const bool whole = error == std::errc{} && (end == text + size || *end == '\n');
  return whole && pid > 0 ? pid : 0;
}

error_code pid_file::remove(pid_t pid) const noexcept {
  if (path_.empty() || read() != pid) return {};
  if (::unlink(path_.c_str()) != 0 && errno != ENOENT) return last_system_error();
  return {};
}

}  // namespace baton::lineage

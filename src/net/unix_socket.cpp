#include "net/unix_socket.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <vector>

#include "baton/base/log.hpp"

namespace baton::net {
namespace {

[[noreturn]] void refuse(const std::string& path, std::string_view why) {
  throw setup_error{fmt::format("cannot listen on unix:{}: {}", path, why)};
}

/// Removes what a dead process left behind.
void remove_stale(const address& at, const std::string& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) {
    if (errno == ENOENT) return;
    refuse(path, fmt::format("its directory cannot be read: {}; create it or give this user the "
                             "right to enter it",
                             describe_errno(errno)));
  }
  if (!S_ISSOCK(found.st_mode)) {
    refuse(path, "the file there is not a socket; remove it or choose another path");
  }
  const unique_fd probe{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!probe) refuse(path, "socket: " + describe_errno(errno));
  // A full backlog (EAGAIN) and a socket of another type (EPROTOTYPE) have an owner as well.
  if (::connect(probe.get(), at.data(), at.size()) == 0 || errno != ECONNREFUSED) {
    refuse(path, "it is in use by another process; stop that one or choose another path");
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    refuse(path, fmt::format("the stale socket there cannot be removed: {}; remove it or give this "
                             "user the right to write the directory",
                             describe_errno(errno)));
  }
  log_notice(fmt::format("replaced the stale socket {}", path));
}

std::optional<unsigned> as_number(const std::string& text) {
  unsigned number = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, failed] = std::from_chars(text.data(), end, number);
  if (failed != std::errc{} || stop != end) return std::nullopt;
  return number;
}

/// The id behind a name or a number; `look_up` is getpwnam_r(3) or getgrnam_r(3) in disguise.
template <class Lookup>
unsigned id_of(const std::string& path, const std::string& name, const char* kind, Lookup look_up) {
  if (name.empty()) return static_cast<unsigned>(-1);
  if (const auto number = as_number(name)) return *number;
  std::vector<char> buffer(16384);
  unsigned id = 0;
  if (!look_up(name.c_str(), buffer, id)) {
    refuse(path, fmt::format("there is no {} \"{}\" on this machine; name one that exists, or its "
                             "number",
                             kind, name));
  }
  return id;
}

void set_owner(const std::string& path, const listener_options& options) {
  if (options.unix_owner.empty() && options.unix_group.empty()) return;
  const auto owner = id_of(path, options.unix_owner, "user",
                           [](const char* name, std::vector<char>& buffer, unsigned& id) {
                             passwd entry{};
                             passwd* found = nullptr;
                             ::getpwnam_r(name, &entry, buffer.data(), buffer.size(), &found);
                             if (found != nullptr) id = found->pw_uid;
                             return found != nullptr;
                           });
  const auto group = id_of(path, options.unix_group, "group",
                           [](const char* name, std::vector<char>& buffer, unsigned& id) {
                             ::group entry{};
                             ::group* found = nullptr;
                             ::getgrnam_r(name, &entry, buffer.data(), buffer.size(), &found);
                             if (found != nullptr) id = found->gr_gid;
                             return found != nullptr;
                           });
  if (::lchown(path.c_str(), owner, group) != 0) {
    refuse(path, fmt::format("its owner cannot be set to \"{}\" and its group to \"{}\": {}; run "
                             "with CAP_CHOWN or leave them empty",
                             options.unix_owner, options.unix_group, describe_errno(errno)));
  }
}

}  // namespace

file_identity bind_unix_path(int fd, const listener_options& options, const address& at) {
  const auto path = at.host();
  remove_stale(at, path);
  if (::bind(fd, at.data(), at.size()) != 0) {
    refuse(path, fmt::format("bind: {}; the directory must exist and this user must be allowed to "
                             "write it",
                             describe_errno(errno)));
  }
  const auto identity = inode_of(at);
  if (!identity) refuse(path, "the socket vanished while it was set up; who removes it?");
  try {
    set_owner(path, options);
    if (::chmod(path.c_str(), options.unix_mode & 07777) != 0) {
      refuse(path, fmt::format("its mode cannot be set to {:o}: {}", options.unix_mode,
                               describe_errno(errno)));
    }
  } catch (...) {
    remove_if_same(at, *identity);
    throw;
  }
  return *identity;
}

std::optional<file_identity> inode_of(const address& at) noexcept {
  struct stat found {};
  if (::lstat(at.host().c_str(), &found) != 0 || !S_ISSOCK(found.st_mode)) return std::nullopt;
  return file_identity{found.st_dev, found.st_ino};
}

void remove_if_same(const address& at, file_identity identity) noexcept {
  if (inode_of(at) != identity) return;
  const auto path = at.host();
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    log_error(fmt::format("cannot remove the socket {}: {}; remove it by hand", path,
                          describe_errno(errno)));
  }
}

}  // namespace baton::net

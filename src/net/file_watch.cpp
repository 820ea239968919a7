#include "net/file_watch.hpp"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <deque>
#include <utility>

#include "baton/base/error.hpp"
#include "baton/base/log.hpp"

namespace baton::net {
namespace {

/// Whatever makes a name in a directory stand for something else.
constexpr std::uint32_t mask = IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM |
                               IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr std::chrono::seconds retry{10};
constexpr int most_links = 40;  // as the kernel follows (path_resolution(7))

std::int64_t nanoseconds(const timespec& time) noexcept {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::deque<std::string> split(std::string_view path) {
  std::deque<std::string> names;
  while (!path.empty()) {
    const auto slash = path.find('/');
    if (slash != 0) names.emplace_back(path.substr(0, slash));
    path.remove_prefix(slash == path.npos ? path.size() : slash + 1);
  }
  return names;
}

/// Where a symbolic link leads; empty if it is none.
std::string link_target(const std::string& path) {
  char target[PATH_MAX];
  const auto size = ::readlink(path.c_str(), target, sizeof target);
  return size <= 0 ? std::string{} : std::string{target, static_cast<std::size_t>(size)};
}

}  // namespace

file_stamp file_stamp::of(const std::string& path) noexcept {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return {};
  return {found.st_dev, found.st_ino, found.st_size, nanoseconds(found.st_mtim),
          nanoseconds(found.st_ctim)};
}

file_stamps stamps_of(const std::vector<std::string>& paths) {
  file_stamps stamps;
  for (const auto& path : paths) stamps.emplace(path, file_stamp::of(path));
  return stamps;
}

file_watch::file_watch(loop& on, file_stamps known, std::function<void(const file_stamps&)> changed)
    : loop_{on}, known_{std::move(known)}, changed_{std::move(changed)} {
  watch_again();
  for (const auto& [path, stamp] : known_)
    if (file_stamp::of(path) != stamp) note_event();
}

file_watch::~file_watch() {
  if (inotify_) loop_.poller().remove(inotify_.get(), *this);
}

/// Anew from the beginning: the directories on the way may be others now.
void file_watch::watch_again() {
  if (inotify_) loop_.poller().remove(inotify_.get(), *this);
  names_.clear();
  inotify_.reset(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!inotify_)
    throw setup_error{fmt::format(
        "files cannot be watched: {}; raise fs.inotify.max_user_instances (sysctl), or set "
        "tls_options::watch_files to false and call server::reload_tls after a change",
        describe_errno(errno))};
  for (const auto& [path, stamp] : known_) watch_path(path);
  const auto failed = loop_.poller().add(inotify_.get(), EPOLLIN, *this);
  if (failed)
    throw setup_error{"files cannot be watched: epoll: " + describe_errno(failed.value())};
}

/// Goes the way that the kernel goes, and watches each directory for the name it is asked for.
void file_watch::watch_path(const std::string& path) {
  std::string directory = path.starts_with('/') ? "/" : "./";
  auto names = split(path);
  for (int links = 0; !names.empty();) {
    const auto name = names.front();
    names.pop_front();
    if (name == ".") continue;
    if (name != "..") watch_directory(directory, name);
    const auto here = directory + name;
    const auto target = link_target(here);
    if (target.empty()) {
      directory = here + '/';
      continue;
    }
    if (++links > most_links) return;
    if (target.starts_with('/')) directory = "/";
    auto on_the_way = split(target);
    names.insert(names.begin(), on_the_way.begin(), on_the_way.end());
  }
}

void file_watch::watch_directory(const std::string& directory, const std::string& name) {
  const int watch = ::inotify_add_watch(inotify_.get(), directory.c_str(), mask);
  if (watch >= 0) {
    names_[watch].insert(name);
  } else if (errno == ENOSPC) {
    log_notice(fmt::format("changes in {} are not seen: raise fs.inotify.max_user_watches (sysctl)",
                           directory));
  }
  // A directory that is not there, or that we may not read, is watched for where it hangs.
}

void file_watch::on_ready(std::uint32_t) {
  alignas(inotify_event) char buffer[8192];
  for (;;) {
    const auto got = ::read(inotify_.get(), buffer, sizeof buffer);
    if (got <= 0) return;
    for (const char* at = buffer; at < buffer + got;) {
      inotify_event event;
      std::memcpy(&event, at, sizeof event);
      const auto* const name = at + sizeof event;
      at = name + event.len;
      const auto watched = names_.find(event.wd);
      const bool ours =
          (event.mask & IN_Q_OVERFLOW) != 0 ||
          (watched != names_.end() && (event.len == 0 || watched->second.contains(name)));
      if (ours) note_event();
    }
  }
}

void file_watch::note_event() {
  const auto now = std::chrono::steady_clock::now();
  if (!armed()) first_event_ = now;
  if (now - first_event_ < longest_unrest) loop_.timers().arm(*this, quiet);
}

void file_watch::on_deadline() {
  try {
    watch_again();
  } catch (const setup_error& error) {
    log_error(fmt::format("{}; tried again in {} s", error.what(), retry.count()));
    loop_.timers().arm(*this, retry);
  }
  auto found = known_;
  for (auto& [path, stamp] : found) stamp = file_stamp::of(path);
  if (found == known_) return;
  known_ = std::move(found);
  changed_(known_);
}

}  // namespace baton::net

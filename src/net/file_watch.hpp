#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "baton/base/unique_fd.hpp"
#include "baton/net/loop.hpp"

namespace baton::net {

/// What tells one state of a file from the next.
struct file_stamp {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  std::int64_t modified = 0;  // nanoseconds
  std::int64_t changed = 0;

  static file_stamp of(const std::string& path) noexcept;
  friend bool operator==(const file_stamp&, const file_stamp&) = default;
};

using file_stamps = std::map<std::string, file_stamp>;
[[nodiscard]] file_stamps stamps_of(const std::vector<std::string>& paths);

/// Tells when a file became another one, however that was done: written, renamed over, or by
/// another target of a symbolic link anywhere on its path (Kubernetes flips "..data", certbot the
/// file itself).
///
/// It watches the directories on the way, by inotify(7), and looks once things have been quiet for
/// a moment, so that a certificate and its key, written one after the other, are one change. Lives
/// on one loop, until destroyed; `changed` is called there.
class file_watch final : public pollable, private deadline {
 public:
  /// How long nothing must happen, and for how long that may put the look off.
  static constexpr std::chrono::milliseconds quiet{200};
  static constexpr std::chrono::milliseconds longest_unrest{2000};

  /// `known`: what the caller has read; a file that is another one already is a change. Throws
  /// setup_error if there is no inotify to be had.
  file_watch(loop& on, file_stamps known, std::function<void(const file_stamps&)> changed);
  ~file_watch() override;

  void on_ready(std::uint32_t events) override;

 private:
  void watch_again();
  void watch_path(const std::string& path);
  void watch_directory(const std::string& directory, const std::string& name);
  void on_deadline() override;
  void note_event();

  loop& loop_;
  file_stamps known_;
  std::function<void(const file_stamps&)> changed_;
  unique_fd inotify_;
  std::map<int, std::set<std::string>> names_;  // by watch descriptor
  std::chrono::steady_clock::time_point first_event_;
};

}  // namespace baton::net

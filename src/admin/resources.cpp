#include "admin/resources.hpp"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <iterator>
#include <memory>
#include <string_view>

namespace baton::admin {
namespace {

std::string read(const std::string& path) {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end == text.data()) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> number_in(const std::string& path) { return number(read(path)); }

/// The number behind `key` and white space at the beginning of a line.
std::optional<std::uint64_t> number_at(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    if (line.starts_with(key)) {
      const auto rest = line.substr(key.size());
      const auto from = rest.find_first_not_of(" \t");
      if (from != 0 && from != std::string_view::npos) return number(rest.substr(from));
    }
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return std::nullopt;
}

/// The path of this process's group: of version 2 with an empty `controller`.
std::optional<std::string> group_path(std::string_view groups, std::string_view controller) {
  while (!groups.empty()) {
    const auto line = groups.substr(0, groups.find('\n'));
    groups.remove_prefix(std::min(line.size() + 1, groups.size()));
    const auto names = line.find(':');
    const auto path = line.find(':', names + 1);
    if (names == std::string_view::npos || path == std::string_view::npos) continue;
    const auto found = line.substr(names + 1, path - names - 1);
    if (controller.empty() ? found.empty() : found.find(controller) != std::string_view::npos)
      return std::string{line.substr(path + 1)};
  }
  return std::nullopt;
}

struct group_names {
  std::string_view limit, used, cache;
};
constexpr group_names version_2{"memory.max", "memory.current", "inactive_file"};
constexpr group_names version_1{"memory.limit_in_bytes", "memory.usage_in_bytes",
                                "total_inactive_file"};
// Version 1 writes "no limit" as the greatest multiple of the page size.
constexpr std::uint64_t beyond_any = std::uint64_t{1} << 62;

/// The tightest limit from the group at `path` up to the root; in a container the group's path may
/// be the host's, which is not there: then the root is the group.
std::optional<usage> tightest(const std::string& root, std::string path, const group_names& names) {
  std::optional<usage> found;
  for (;;) {
    const auto folder = root + path + "/";
    const auto most = number_in(folder + std::string{names.limit});
    const auto used = number_in(folder + std::string{names.used});
    if (most && used && *most > 0 && *most < beyond_any) {
      const auto cache = number_at(read(folder + "memory.stat"), names.cache).value_or(0);
      usage here{*used - std::min(cache, *used), *most, "the control group"};
      if (!found || here.share() > found->share()) found = std::move(here);
    }
    if (path.empty()) return found;
    path.resize(path.find_last_of('/'));
  }
}

std::optional<usage> group_usage(const kernel_files& files) {
  const auto groups = read(files.proc + "/self/cgroup");
  for (const auto& [controller, root, names] :
       {std::tuple{"", files.cgroup, version_2},
        std::tuple{"memory", files.cgroup + "/memory", version_1}}) {
    auto path = group_path(groups, controller);
    if (!path) continue;
    if (*path == "/" || !path->starts_with('/')) path->clear();
    if (auto found = tightest(root, *path, names)) return found;
  }
  return std::nullopt;
}

std::uint64_t limit_of(int resource) noexcept {
  rlimit limit{};
  if (::getrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0 ||
      limit.rlim_cur == RLIM_INFINITY)
    return 0;
  return limit.rlim_cur;
}

}  // namespace

usage memory_usage(const kernel_files& files) {
  if (auto found = group_usage(files)) return *found;
  constexpr std::uint64_t kilo = 1024;
  const auto status = read(files.proc + "/self/status");
  if (const auto most = limit_of(RLIMIT_AS); most != 0)
    return {number_at(status, "VmSize:").value_or(0) * kilo, most, "RLIMIT_AS"};
  return {number_at(status, "VmRSS:").value_or(0) * kilo, 0, {}};
}

usage descriptor_usage(const kernel_files& files) {
  usage found{0, limit_of(RLIMIT_NOFILE), "RLIMIT_NOFILE"};
  const auto folder = files.proc + "/self/fd";
  struct stat about {};
  // Linux 6.2 and later say how many there are; before, they have to be counted.
  if (::stat(folder.c_str(), &about) == 0 && about.st_size > 0) {
    found.used = static_cast<std::uint64_t>(about.st_size);
    return found;
  }
  const std::unique_ptr<DIR, int (*)(DIR*)> open{::opendir(folder.c_str()), ::closedir};
  if (open == nullptr) return found;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): a stream of this call's own
  while (const auto* entry = ::readdir(open.get()))
    if (entry->d_name[0] != '.') ++found.used;
  if (found.used > 0) --found.used;  // the one that counts
  return found;
}

result<usage> disk_usage(const std::string& path) {
  struct statvfs about {};
  if (::statvfs(path.c_str(), &about) != 0) return last_system_error();
  const std::uint64_t block = about.f_frsize;
  const std::uint64_t used = about.f_blocks - about.f_bfree;
  return usage{used * block, (used + about.f_bavail) * block, path};
}

}  // namespace baton::admin

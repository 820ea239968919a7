#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "baton/base/error.hpp"

namespace baton::admin {

/// How much of something is used, and how much may be.
struct usage {
  std::uint64_t used = 0;
  std::uint64_t most = 0;  ///< 0: there is no limit
  std::string limited_by;  ///< "the control group", "RLIMIT_AS"; empty without a limit

  [[nodiscard]] double share() const noexcept {
    return most == 0 ? 0 : static_cast<double>(used) / static_cast<double>(most);
  }
};

/// Where the kernel tells of them; another place in tests.
struct kernel_files {
  std::string proc = "/proc";
  std::string cgroup = "/sys/fs/cgroup";
};

/// Of this process: against the tightest memory limit of its control groups (version 2: memory.max;
/// 1: memory.limit_in_bytes), the page cache that can be given up not counted, as the kubelet does;
/// without such a limit its address space against RLIMIT_AS; without either what is resident.
[[nodiscard]] usage memory_usage(const kernel_files& files = {});
/// Of this process, against RLIMIT_NOFILE.
[[nodiscard]] usage descriptor_usage(const kernel_files& files = {});
/// Of the file system that `path` is on, as an ordinary user sees it (statvfs(3)). May hang, as
/// file systems over a network do.
[[nodiscard]] result<usage> disk_usage(const std::string& path);

}  // namespace baton::admin

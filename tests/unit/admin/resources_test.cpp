#include "admin/resources.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "baton/base/unique_fd.hpp"

namespace baton::admin {
namespace {

namespace fs = std::filesystem;

/// A folder in which the kernel's files are written as a test wants them.
class Resources : public testing::Test {
 protected:
  Resources()
      : root_{fs::temp_directory_path() / ("baton-resources-" + std::to_string(::getpid()))} {
    fs::create_directories(root_);
  }
  ~Resources() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream{root_ / path} << text;
  }
  [[nodiscard]] kernel_files files() const {
    return {.proc = root_ / "proc", .cgroup = root_ / "cgroup"};
  }

  fs::path root_;
};

TEST_F(Resources, MemoryIsHeldAgainstTheControlGroupWithoutItsIdleCache) {
  write("proc/self/cgroup", "0::/pod/service\n");
  write("cgroup/pod/service/memory.max", "1000\n");
  write("cgroup/pod/service/memory.current", "900\n");
  write("cgroup/pod/service/memory.stat", "anon 5\ninactive_file 300\nactive_file 7\n");
  const auto found = memory_usage(files());
  EXPECT_EQ(found.used, 600U);
  EXPECT_EQ(found.most, 1000U);
  EXPECT_EQ(found.limited_by, "the control group");
}

TEST_F(Resources, TheTightestGroupAboveCounts) {
  write("proc/self/cgroup", "0::/pod/service\n");
  write("cgroup/pod/service/memory.max", "max\n");
  write("cgroup/pod/service/memory.current", "100\n");
  write("cgroup/pod/memory.max", "200\n");
  write("cgroup/pod/memory.current", "150\n");
  EXPECT_EQ(memory_usage(files()).most, 200U);
}

TEST_F(Resources, InAContainerTheRootIsTheGroup) {
  write("proc/self/cgroup", "0::/docker/not/here\n");
  write("cgroup/memory.max", "1000\n");
  write("cgroup/memory.current", "10\n");
  EXPECT_EQ(memory_usage(files()).most, 1000U);
}

TEST_F(Resources, VersionOneIsReadToo) {
  write("proc/self/cgroup", "5:cpu,cpuacct:/a\n4:memory:/a\n0::/\n");
  write("cgroup/memory/a/memory.limit_in_bytes", "4000\n");
  write("cgroup/memory/a/memory.usage_in_bytes", "3000\n");
  write("cgroup/memory/a/memory.stat", "inactive_file 9\ntotal_inactive_file 500\n");
  const auto found = memory_usage(files());
  EXPECT_EQ(found.used, 2500U);
  EXPECT_EQ(found.most, 4000U);
}

TEST_F(Resources, WithoutALimitThereIsNoShare) {
  write("proc/self/cgroup", "4:memory:/a\n");
  write("cgroup/memory/a/memory.limit_in_bytes", "9223372036854771712\n");
  write("cgroup/memory/a/memory.usage_in_bytes", "3000\n");
  write("proc/self/status", "VmSize:\t  999 kB\nVmRSS:\t     12 kB\n");
  rlimit space{};
  ASSERT_EQ(::getrlimit(RLIMIT_AS, &space), 0);
  if (space.rlim_cur != RLIM_INFINITY) return;  // it is the limit then, and another test's matter
  const auto found = memory_usage(files());
  EXPECT_EQ(found.used, 12U * 1024);
  EXPECT_EQ(found.most, 0U);
  EXPECT_EQ(found.share(), 0);
}

TEST_F(Resources, ThisProcessHasMemoryDescriptorsAndADisk) {
  EXPECT_GT(memory_usage().used, 0U);
  const auto before = descriptor_usage();
  EXPECT_GT(before.most, 0U);
  const unique_fd more{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  EXPECT_EQ(descriptor_usage().used, before.used + 1);
  const auto disk = disk_usage("/");
  ASSERT_TRUE(disk);
  EXPECT_GT(disk->most, 0U);
  EXPECT_LE(disk->used, disk->most);
  EXPECT_FALSE(disk_usage("/there/is/no/such/path"));
}

}  // namespace
}  // namespace baton::admin

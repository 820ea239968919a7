#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "baton/net/listener.hpp"
#include "support.hpp"

namespace baton::net {
namespace {

using test::connect_to;
using test::setup_error_of;
using ::testing::AllOf;
using ::testing::HasSubstr;

struct stat status_of(const std::string& path) {
  struct stat found {};
  EXPECT_EQ(::lstat(path.c_str(), &found), 0) << path;
  return found;
}

class UnixListener : public test::no_descriptor_leaks {
 protected:
  listener bind() { return listener::bind({.address = path}, process); }

  gate process{"process", 100};
  test::scratch_directory directory;
  std::string path = directory / "x.sock";
};

TEST_F(UnixListener, BindsWithTheModeAskedForWhateverTheUmask) {
  for (const mode_t mode : {0600U, 0666U, 0770U}) {
    const auto mask = ::umask(0077);
    auto door = listener::bind({.address = path, .unix_mode = mode}, process);
    ::umask(mask);
    EXPECT_EQ(status_of(path).st_mode & 07777, mode);
    EXPECT_TRUE(connect_to(door.local()));
    EXPECT_EQ(door.local().to_string(), "unix:" + path);
    door.unlink_path();
    EXPECT_FALSE(std::filesystem::exists(path));
  }
}

TEST_F(UnixListener, SetsOwnerAndGroupByNumberAndByName) {
  auto door =
      listener::bind({.address = path, .unix_owner = "12345", .unix_group = "daemon"}, process);
  EXPECT_EQ(status_of(path).st_uid, 12345U);
  EXPECT_EQ(status_of(path).st_gid, 1U);
}

TEST_F(UnixListener, NamesAnUnknownOwnerAndLeavesNothingBehind) {
  EXPECT_THAT(setup_error_of([&] {
                (void)listener::bind({.address = path, .unix_owner = "nobody-of-that-name"},
                                     process);
              }),
              AllOf(HasSubstr("nobody-of-that-name"), HasSubstr(path)));
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(UnixListener, ReplacesAStaleFile) {
  {
    auto dead = bind();  // closed without unlinking, as a killed process does
  }
  auto door = bind();
  EXPECT_TRUE(connect_to(door.local()));
}

TEST_F(UnixListener, RefusesALiveSocket) {
  auto door = bind();
  EXPECT_THAT(setup_error_of([&] { (void)bind(); }), AllOf(HasSubstr(path), HasSubstr("in use")));
  EXPECT_TRUE(connect_to(door.local())) << "the live one is untouched";
}

TEST_F(UnixListener, RefusesALiveSocketWhoseBacklogIsFull) {
  auto door = listener::bind({.address = path, .backlog = 1}, process);
  const auto first = connect_to(door.local());
  const auto second = connect_to(door.local());
  ASSERT_TRUE(first && second);
  EXPECT_THAT(setup_error_of([&] { (void)bind(); }), HasSubstr("in use"));
}

TEST_F(UnixListener, RefusesWhatIsNotASocket) {
  std::ofstream{path} << "precious";
  EXPECT_THAT(setup_error_of([&] { (void)bind(); }),
              AllOf(HasSubstr(path), HasSubstr("not a socket")));
  EXPECT_EQ(std::filesystem::file_size(path), 8U);
}

TEST_F(UnixListener, NamesAMissingDirectory) {
  path = directory / "missing/x.sock";
  EXPECT_THAT(setup_error_of([&] { (void)bind(); }),
              AllOf(HasSubstr(path), HasSubstr("directory")));
}

// F18
TEST_F(UnixListener, UnlinksOnlyItsOwnFile) {
  auto old = bind();
  old.close();
  ASSERT_EQ(::rename(path.c_str(), (directory / "kept").c_str()), 0);  // keeps the inode number
  auto next = bind();
  old.unlink_path();
  EXPECT_TRUE(connect_to(next.local())) << "the next one's file is still there";
  next.unlink_path();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(UnixListener, TheDestructorLeavesTheFile) {
  { auto door = bind(); }
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST_F(UnixListener, TheHeirUnlinksTheFile) {
  auto parent = bind();
  auto child = listener::adopt({.address = path}, unique_fd{::dup(parent.fd())}, process);
  parent.close();
  EXPECT_TRUE(connect_to(child.local()));
  child.unlink_path();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(UnixListener, AnotherPathIsNotAdopted) {
  auto parent = bind();
  EXPECT_THAT(setup_error_of([&] {
                (void)listener::adopt({.address = directory / "other.sock"},
                                      unique_fd{::dup(parent.fd())}, process);
              }),
              HasSubstr("listens on unix:" + path));
}

}  // namespace
}  // namespace baton::net

#include "baton/base/unique_fd.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>

namespace baton {
namespace {

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) != -1; }

unique_fd open_null() { return unique_fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)}; }

TEST(UniqueFd, ClosesWhatItHoldsOnce) {
  int number = -1;
  {
    const auto held = open_null();
    number = held.get();
    ASSERT_TRUE(is_open(number));
  }
  EXPECT_FALSE(is_open(number));
}

TEST(UniqueFd, MovingLeavesTheSourceEmpty) {
  auto first = open_null();
  const int number = first.get();
  unique_fd second{std::move(first)};
  EXPECT_FALSE(first.valid());
  EXPECT_EQ(second.get(), number);
  unique_fd third = open_null();
  const int replaced = third.get();
  third = std::move(second);
  EXPECT_FALSE(is_open(replaced));
  EXPECT_EQ(third.get(), number);
}

TEST(UniqueFd, ReleaseGivesTheDescriptorUpOpen) {
  auto held = open_null();
  const unique_fd again{held.release()};
  EXPECT_FALSE(held);
  EXPECT_TRUE(is_open(again.get()));
}

TEST(UniqueFd, DuplicateIsCloseOnExecAndOutOfTheChildsNumbers) {
  const auto held = open_null();
  const auto copy = held.duplicate();
  ASSERT_TRUE(copy);
  EXPECT_GE(copy.get(), 10);
  EXPECT_EQ(::fcntl(copy.get(), F_GETFD), FD_CLOEXEC);
}

TEST(UniqueFd, ResetKeepsErrno) {
  unique_fd wrong{1'000'000};
  errno = ENOENT;
  wrong.reset();
  EXPECT_EQ(errno, ENOENT);
}

}  // namespace
}  // namespace baton

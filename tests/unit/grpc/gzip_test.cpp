#include "grpc/engine/gzip.hpp"

#include <gtest/gtest.h>

#include <string>

namespace baton::grpc::engine {
namespace {

using verdict = unpacker::verdict;

std::string packed(std::string_view plain) {
  gzip_packer packer;
  std::string made;
  EXPECT_TRUE(packer.message(plain, made));
  return made;
}

TEST(Gzip, ThereAndBackManyTimes) {
  gzip_packer packer;
  unpacker back;
  for (const std::size_t size : {0U, 1U, 1000U, 100'000U}) {
    const std::string plain(size, 'z');
    std::string made = "before";
    ASSERT_TRUE(packer.message(plain, made));
    ASSERT_TRUE(made.starts_with("before\x1F\x8B"));
    std::string found = "old";
    ASSERT_EQ(back.message(std::string_view{made}.substr(6), found, size), verdict::done);
    EXPECT_EQ(found, plain);
  }
}

TEST(Gzip, ABombIsStoppedAtTheLimit) {
  const auto bomb = packed(std::string(std::size_t{64} * 1024 * 1024, '\0'));
  unpacker back;
  std::string found;
  EXPECT_EQ(back.message(bomb, found, 100'000), verdict::too_big);
  EXPECT_LE(found.capacity(), 200'000U);
  // And it is as good as new.
  EXPECT_EQ(back.message(packed("next"), found, 100), verdict::done);
  EXPECT_EQ(found, "next");
}

TEST(Gzip, TheLimitIsExact) {
  const auto made = packed(std::string(5000, 'x'));
  unpacker back;
  std::string found;
  EXPECT_EQ(back.message(made, found, 5000), verdict::done);
  EXPECT_EQ(back.message(made, found, 4999), verdict::too_big);
}

TEST(Gzip, WhatIsBrokenIsSaidToBe) {
  const auto good = packed("a message that is long enough to be cut");
  unpacker back;
  std::string found;
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_EQ(back.message(std::string_view{good}.substr(0, size), found, 100), verdict::broken)
        << "cut at " << size;
  EXPECT_EQ(back.message(good + "more", found, 100), verdict::broken);
  EXPECT_EQ(back.message("this was never packed", found, 100), verdict::broken);
  auto altered = good;
  altered[good.size() - 6] ^= 1;  // its checksum
  EXPECT_EQ(back.message(altered, found, 100), verdict::broken);
}

}  // namespace
}  // namespace baton::grpc::engine

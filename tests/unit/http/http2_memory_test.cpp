// The memory that nghttp2 gets: blocks of every size, also when they go round.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "http/engine/http2_memory.hpp"

namespace baton::http::test {
namespace {

const auto& memory = *engine::http2_memory();

TEST(Http2Memory, BlocksOfEverySizeDoNotOverlap) {
  for (int round = 0; round < 3; ++round) {
    std::vector<unsigned char*> blocks;
    for (std::size_t size = 0; size < 700; ++size) {
      auto* const block = static_cast<unsigned char*>(memory.malloc(size, nullptr));
      ASSERT_NE(block, nullptr);
      ASSERT_EQ(reinterpret_cast<std::uintptr_t>(block) % 16, 0U);
      std::memset(block, static_cast<int>(size % 251), size);
      blocks.push_back(block);
    }
    for (std::size_t size = 0; size < blocks.size(); ++size) {
      for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(blocks[size][i], size % 251);
      memory.free(blocks[size], nullptr);
    }
  }
}

TEST(Http2Memory, ABlockKeepsItsContentWhenItGrowsAndShrinks) {
  auto* block = static_cast<char*>(memory.realloc(nullptr, 8, nullptr));
  std::memcpy(block, "content", 8);
  for (const std::size_t size : {100, 600, 100'000, 64, 8}) {
    block = static_cast<char*>(memory.realloc(block, size, nullptr));
    ASSERT_STREQ(block, "content") << size;
  }
  memory.free(block, nullptr);
  memory.free(nullptr, nullptr);
}

TEST(Http2Memory, ZeroesWhatIsAskedForZeroed) {
  auto* used = static_cast<char*>(memory.malloc(200, nullptr));
  std::memset(used, 'x', 200);
  memory.free(used, nullptr);
  auto* zeroed = static_cast<char*>(memory.calloc(20, 10, nullptr));
  for (int i = 0; i < 200; ++i) ASSERT_EQ(zeroed[i], 0);
  memory.free(zeroed, nullptr);
}

TEST(Http2Memory, RefusesWhatDoesNotExist) {
  EXPECT_EQ(memory.malloc(SIZE_MAX - 5, nullptr), nullptr);
  EXPECT_EQ(memory.calloc(SIZE_MAX / 2, 3, nullptr), nullptr);
}

}  // namespace
}  // namespace baton::http::test

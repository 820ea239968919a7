#include "ondemand/proxy/websocket_watch.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace baton::ondemand {
namespace {

using namespace std::string_view_literals;

std::string frame(char first, std::size_t size, bool masked = false) {
  const auto bit = static_cast<char>(masked ? 0x80 : 0);
  std::string made{first};
  if (size < 126) {
    made += static_cast<char>(bit | static_cast<char>(size));
  } else if (size < 65536) {
    made += static_cast<char>(bit | 126);
    made += static_cast<char>(size >> 8U);
    made += static_cast<char>(size & 0xffU);
  } else {
    made += static_cast<char>(bit | 127);
    for (int shift = 56; shift >= 0; shift -= 8) made += static_cast<char>(size >> shift & 0xffU);
  }
  if (masked) made += "mask";
  return made.append(size, 'x');
}

TEST(WebsocketWatch, KnowsWhereFramesEndHoweverTheyArrive) {
  for (const std::size_t size : {0, 1, 125, 126, 127, 65535, 65536, 70000})
    for (const bool masked : {false, true})
      for (const std::size_t step : {1, 2, 3, 1000, 1000000}) {
        websocket_watch watch;
        const auto whole = frame('\x82', size, masked);
        for (int turn = 0; turn < 2; ++turn)
          for (std::size_t at = 0; at < whole.size(); at += step) {
            EXPECT_EQ(watch.between_frames(), at == 0);
            watch.pass(std::string_view{whole}.substr(at, step));
          }
        EXPECT_TRUE(watch.between_frames());
        EXPECT_FALSE(watch.closed());
      }
}

TEST(WebsocketWatch, TakesTheRestOfAFrameAndNothingBehindIt) {
  const auto first = frame('\x01', 300);
  const auto second = frame('\x80', 5);
  const auto both = first + second;
  for (std::size_t split = 0; split <= first.size(); ++split) {
    websocket_watch watch;
    watch.pass(std::string_view{both}.substr(0, split));
    const auto left = watch.rest_of_frame(std::string_view{both}.substr(split));
    EXPECT_EQ(left, split == 0 ? 0 : first.size() - split) << split;
    EXPECT_TRUE(watch.between_frames());
  }
}

TEST(WebsocketWatch, OfAFrameThatIsNotWholeEverythingIsTaken) {
  websocket_watch watch;
  const auto whole = frame('\x82', 100);
  watch.pass(std::string_view{whole}.substr(0, 10));
  EXPECT_EQ(watch.rest_of_frame(std::string_view{whole}.substr(10, 50)), 50U);
  EXPECT_FALSE(watch.between_frames());
  EXPECT_EQ(watch.rest_of_frame({}), 0U);
}

TEST(WebsocketWatch, SeesThatASideSaysNoMore) {
  websocket_watch watch;
  watch.pass("\x89\x00"sv);
  EXPECT_FALSE(watch.closed());
  watch.pass("\x88"sv);
  EXPECT_FALSE(watch.closed());
  watch.pass("\x02"sv);
  EXPECT_TRUE(watch.closed());
}

}  // namespace
}  // namespace baton::ondemand

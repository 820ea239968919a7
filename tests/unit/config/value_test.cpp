#include "config/value.hpp"

#include <gtest/gtest.h>

#include "config/suggestion.hpp"

namespace {

using namespace baton::config;
using std::chrono::milliseconds;

TEST(Duration, UnitsAndPlainSeconds) {
  EXPECT_EQ(read_duration("30s"), milliseconds{30'000});
  EXPECT_EQ(read_duration("30"), milliseconds{30'000});
  EXPECT_EQ(read_duration("0.5"), milliseconds{500});
  EXPECT_EQ(read_duration("1.5s"), milliseconds{1500});
  EXPECT_EQ(read_duration("500ms"), milliseconds{500});
  EXPECT_EQ(read_duration("5m"), milliseconds{300'000});
  EXPECT_EQ(read_duration("1h"), milliseconds{3'600'000});
  EXPECT_EQ(read_duration("2d"), milliseconds{172'800'000});
  for (const auto* wrong : {"", "s", "-1s", "1 s", "1sec", "0.0001s", "1.s", ".5s", "1e3", "1s1s",
                            "99999999999999999999", "9999999999999999d", "+1s", "1.5ms"})
    EXPECT_EQ(read_duration(wrong), std::nullopt) << wrong;
}

TEST(Size, UnitsArePowersOfTwo) {
  EXPECT_EQ(read_size("4096"), 4096U);
  EXPECT_EQ(read_size("64k"), 65'536U);
  EXPECT_EQ(read_size("64KiB"), 65'536U);
  EXPECT_EQ(read_size("16MiB"), 16'777'216U);
  EXPECT_EQ(read_size("1.5M"), 1'572'864U);
  EXPECT_EQ(read_size("2G"), 2'147'483'648U);
  for (const auto* wrong :
       {"", "k", "-1", "64kb", "64 k", "1.00001k", "0x10", "18446744073709551615T"})
    EXPECT_EQ(read_size(wrong), std::nullopt) << wrong;
}

TEST(Mode, IsOctal) {
  EXPECT_EQ(read_mode("0660"), 0660U);
  EXPECT_EQ(read_mode("777"), 0777U);
  for (const auto* wrong : {"", "8", "0888", "66", "06600", "rw-"})
    EXPECT_EQ(read_mode(wrong), std::nullopt) << wrong;
}

TEST(Written, IsReadBackAsTheSame) {
  for (const std::uint64_t bytes :
       {0ULL, 1ULL, 1023ULL, 1024ULL, 1025ULL, 1ULL << 20U, 3ULL << 30U})
    EXPECT_EQ(read_size(write_size(bytes)), bytes);
  for (const int time : {0, 1, 999, 1000, 1001, 60'000, 61'000, 3'600'000})
    EXPECT_EQ(read_duration(write_duration(milliseconds{time})), milliseconds{time});
}

TEST(Text, WhatYamlTakesForSomethingElse) {
  for (const auto* each : {"", "~", "null", "true", "False", "1", "-1", "+1.5", "1e3", ".5", "0x1f",
                           "0o17", ".inf", ".nan"})
    EXPECT_TRUE(is_no_text(each)) << each;
  for (const auto* each : {"yes", "no", "on", "1.2.3", "1s", "0xg", "e3", "-", "127.0.0.1:80", "a"})
    EXPECT_FALSE(is_no_text(each)) << each;
}

TEST(Nearest, IsTheWordThatWasMeant) {
  const std::vector<std::string_view> known{"threads", "pid_file", "max_connections", "tls", "ca"};
  EXPECT_EQ(nearest("thread", known), "threads");
  EXPECT_EQ(nearest("thraeds", known), "threads");
  EXPECT_EQ(nearest("pidfile", known), "pid_file");
  EXPECT_EQ(nearest("MAX_CONNECTIONS", known), "");
  EXPECT_EQ(nearest("tsl", known), "tls");
  EXPECT_EQ(nearest("xy", known), "");
  EXPECT_EQ(nearest(std::string(1000, 'a'), known), "");
  EXPECT_EQ(edit_distance("abc", "acb"), 1U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
}

}  // namespace

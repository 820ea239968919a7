#include "baton/net/loop.hpp"

#include <gtest/gtest.h>
#include <time.h>

#include <cstring>

#include "support.hpp"

namespace baton::net {
namespace {

class Loop : public test::no_descriptor_leaks {
 protected:
  boost::asio::io_context context{1};
  loop on{context, 3};
};

TEST_F(Loop, GivesTheThreadsBuffer) {
  auto buffer = on.read_buffer();
  ASSERT_EQ(buffer.size(), 64U * 1024);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % 64, 0U);
  std::memset(buffer.data(), 'x', buffer.size());
  EXPECT_EQ(buffer.data(), on.read_buffer().data());
  EXPECT_EQ(on.index(), 3U);
}

TEST_F(Loop, WritesTheDateAsHttpWantsIt) {
  const auto before = ::time(nullptr) - 1;  // the coarse clock may lag
  const std::string date{on.http_date()};
  const auto after = ::time(nullptr);
  ASSERT_EQ(date.size(), 29U);
  std::tm parts{};
  const char* end = ::strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  ASSERT_TRUE(end != nullptr && *end == '\0') << date;
  const int weekday = parts.tm_wday;
  const auto second = ::timegm(&parts);
  EXPECT_GE(second, before);
  EXPECT_LE(second, after);
  EXPECT_EQ(weekday, parts.tm_wday);
}

TEST_F(Loop, RunsOutOfWorkOnceClosed) {
  on.close();
  context.run();
}

TEST(Counters, AreSummedOverThreads) {
  counters one;
  counters two;
  one.accepted.add();
  two.accepted.add(2);
  two.bytes_out.add(1000);
  one.dropped.add(5);
  counter_totals sum;
  sum += one;
  sum += two;
  EXPECT_EQ(sum.accepted, 3U);
  EXPECT_EQ(sum.bytes_out, 1000U);
  EXPECT_EQ(sum.dropped, 5U);
  EXPECT_EQ(sum.closed + sum.accept_errors + sum.accept_pauses + sum.gate_waits + sum.requests +
                sum.bytes_in + sum.deadlines,
            0U);
}

}  // namespace
}  // namespace baton::net

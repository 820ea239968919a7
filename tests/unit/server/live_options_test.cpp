#include "server/live_options.hpp"

#include <gmock/gmock.h>

#include "baton/base/error.hpp"

namespace baton {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;

TEST(LiveOptions, TellWhatCanBeChangedAndWhatNeedsAnUpgrade) {
  live_options options{{}};
  auto wanted = options.copy();
  EXPECT_THAT(options.compare(wanted).applied, IsEmpty());
  wanted.drain_timeout = 7s;
  wanted.max_draining = 9;
  wanted.max_connections = 12;
  wanted.threads = 2;
  wanted.pid_file = "elsewhere";
  const auto result = options.compare(wanted);
  EXPECT_THAT(result.applied, ElementsAre("drain_timeout", "max_draining", "max_connections"));
  EXPECT_THAT(result.needs_upgrade, ElementsAre("threads", "pid_file"));
}

TEST(LiveOptions, KeepWhatNeedsAnUpgrade) {
  live_options options{{}};
  auto wanted = options.copy();
  wanted.lame_duck = 3s;
  wanted.threads = 5;
  options.apply(wanted);
  EXPECT_EQ(options.here().lame_duck, 3s);
  EXPECT_EQ(options.here().threads, 1U);
  EXPECT_THAT(options.compare(wanted).needs_upgrade, ElementsAre("threads"));
}

TEST(LiveOptions, RefuseWhatMakesNoSense) {
  EXPECT_THAT([] { live_options::check({.drain_timeout = -1ms}); },
              ThrowsMessage<setup_error>(HasSubstr("drain_timeout is -1ms")));
  EXPECT_THAT([] { live_options::check({.max_connections = 0}); },
              ThrowsMessage<setup_error>(HasSubstr("at least 1")));
  EXPECT_THAT([] { live_options::check({.threads = 5000}); },
              ThrowsMessage<setup_error>(HasSubstr("5000")));
}

}  // namespace
}  // namespace baton

#include "server/shutdown_sequence.hpp"

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <optional>
#include <string>
#include <utility>

#include "baton/base/log.hpp"

namespace baton {
namespace {

using namespace std::chrono_literals;

/// A server of no substance: it writes down what it is told, and its connections are a number.
class fake_target final : public shutdown_target {
 public:
  explicit fake_target(boost::asio::io_context& context) : context_{context} {}

  void begin_leave() override { told += "leave "; }
  void stop_accepting(std::function<void()> stopped) override {
    told += "stop ";
    boost::asio::post(context_, std::move(stopped));
  }
  void announce(std::function<void()> all_told) override {
    told += "announce ";
    if (on_announce) on_announce();
    boost::asio::post(context_, std::move(all_told));
  }
  void close_when_idle() override {
    told += "idle ";
    if (idle_ones_close) release();
  }
  void drop() override {
    told += "drop ";
    if (drop_works) release();
  }
  void run_hooks(std::function<void(std::size_t)> over) override {
    told += "hooks ";
    over(0);
  }
  std::size_t open_connections() const override { return open; }
  void when_empty(std::function<void()> emptied) override {
    if (open == 0) {
      boost::asio::post(context_, std::move(emptied));
    } else {
      emptied_ = std::move(emptied);
    }
  }
  bool held() const override { return on_probation; }
  void finished(const shutdown_result& how) override { result = how; }

  void release() {
    open = 0;
    if (auto callback = std::exchange(emptied_, nullptr)) boost::asio::post(context_, callback);
  }

  std::string told;
  std::size_t open = 0;
  bool idle_ones_close = false;
  bool drop_works = true;
  bool on_probation = false;
  std::function<void()> on_announce;
  std::optional<shutdown_result> result;

 private:
  boost::asio::io_context& context_;
  std::function<void()> emptied_;
};

class ShutdownSequence : public ::testing::Test {
 protected:
  ShutdownSequence() {
    set_info_log([](std::string_view) {});
    set_error_log([this](std::string_view line) { errors += line; });
    options.drain_timeout = 60s;
    options.idle_grace = 60s;
  }
  ~ShutdownSequence() override { reset_logs(); }

  boost::asio::io_context context{1};
  server_options options;
  fake_target target{context};
  shutdown_sequence sequence{context, options, target};
  std::string errors;
};

using reason = shutdown_sequence::reason;

TEST_F(ShutdownSequence, AGracefulExitTakesItsStepsInOrder) {
  sequence.begin(reason::leave);
  context.run();
  EXPECT_EQ(target.told, "leave stop announce hooks ");
  ASSERT_TRUE(target.result);
  EXPECT_EQ(target.result->status, shutdown_status::completed);
  EXPECT_FALSE(target.result->handed_over);
}

TEST_F(ShutdownSequence, AHotRestartSkipsTheAnnouncementOfLeaving) {
  sequence.begin(reason::handed_over);
  context.run();
  EXPECT_EQ(target.told, "stop announce hooks ");
  EXPECT_TRUE(target.result->handed_over);
}

TEST_F(ShutdownSequence, ItWaitsForOpenConnections) {
  target.open = 3;
  target.on_announce = [&] { boost::asio::post(context, [&] { target.release(); }); };
  sequence.begin(reason::leave);
  context.run();
  EXPECT_EQ(target.told, "leave stop announce hooks ");
  EXPECT_EQ(target.result->connections_at_start, 3U);
  EXPECT_EQ(target.result->dropped, 0U);
}

TEST_F(ShutdownSequence, IdleConnectionsEndAfterTheirGrace) {
  options.idle_grace = 5ms;
  target.open = 2;
  target.idle_ones_close = true;
  sequence.begin(reason::leave);
  context.run();
  EXPECT_EQ(target.told, "leave stop announce idle hooks ");
  EXPECT_EQ(target.result->status, shutdown_status::completed);
}

TEST_F(ShutdownSequence, AtTheDrainDeadlineWhatIsLeftIsDropped) {
  options.idle_grace = 1ms;
  options.drain_timeout = 10ms;
  target.open = 4;
  sequence.begin(reason::leave);
  context.run();
  EXPECT_EQ(target.told, "leave stop announce idle drop hooks ");
  EXPECT_EQ(target.result->status, shutdown_status::forced);
  EXPECT_EQ(target.result->dropped, 4U);
}

TEST_F(ShutdownSequence, AServiceThatKeepsItsSlotsDoesNotKeepTheProcess) {
  options.drain_timeout = 5ms;
  target.open = 1;
  target.drop_works = false;
  sequence.begin(reason::leave);
  context.run();
  EXPECT_TRUE(target.result);
  EXPECT_NE(errors.find("a service keeps their slots"), std::string::npos) << errors;
}

TEST_F(ShutdownSequence, LameDuckComesBeforeTheDoorCloses) {
  options.lame_duck = 20ms;
  sequence.begin(reason::leave);
  EXPECT_EQ(target.told, "leave ");
  context.run();
  EXPECT_EQ(target.told, "leave stop announce hooks ");
  EXPECT_GE(target.result->steps[0], 20ms);
}

TEST_F(ShutdownSequence, ASecondCallChangesNothing) {
  sequence.begin(reason::leave);
  sequence.begin(reason::leave);
  context.run();
  sequence.begin(reason::leave);
  EXPECT_EQ(target.told, "leave stop announce hooks ");
}

TEST_F(ShutdownSequence, ForceDropsAtOnceEvenInLameDuck) {
  options.lame_duck = 60s;
  target.open = 2;
  sequence.begin(reason::leave);
  sequence.force();
  context.run();
  EXPECT_EQ(target.told, "leave stop drop hooks ");
  EXPECT_EQ(target.result->status, shutdown_status::forced);
}

TEST_F(ShutdownSequence, ForceWithNothingOpenIsACompletedExit) {
  sequence.force();
  context.run();
  EXPECT_EQ(target.told, "leave stop drop hooks ");
  EXPECT_EQ(target.result->status, shutdown_status::completed);
}

TEST_F(ShutdownSequence, ARolledBackHandoverLeavesNoTrace) {
  target.open = 1;
  target.on_probation = true;
  sequence.begin(reason::handed_over);
  context.poll();
  sequence.cancel();
  EXPECT_FALSE(sequence.running());
  target.release();
  context.restart();
  context.run();
  EXPECT_EQ(target.told, "stop announce ");
  EXPECT_FALSE(target.result);
  sequence.begin(reason::leave);
  target.on_probation = false;
  context.restart();
  context.run();
  EXPECT_TRUE(target.result);
}

TEST_F(ShutdownSequence, ProbationHoldsTheEndUntilItIsReconsidered) {
  target.on_probation = true;
  sequence.begin(reason::handed_over);
  context.poll();
  EXPECT_FALSE(target.result);
  target.on_probation = false;
  sequence.reconsider();
  context.restart();
  context.run();
  EXPECT_TRUE(target.result);
}

TEST_F(ShutdownSequence, AFailedStartGoesStraightToTheHooks) {
  sequence.begin(reason::abandon);
  EXPECT_EQ(target.told, "hooks ");
  EXPECT_TRUE(target.result);
}

}  // namespace
}  // namespace baton

#include "baton/net/poller.hpp"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <functional>
#include <stdexcept>
#include <vector>

#include "support.hpp"

namespace baton::net {
namespace {

using test::run_until;

/// One end of a socketpair, watched; the test holds the other.
struct watched_end final : pollable {
  explicit watched_end(poller& set) : by{set} {
    int pair[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    mine.reset(pair[0]);
    other.reset(pair[1]);
  }
  ~watched_end() override {
    if (died != nullptr) ++*died;
  }
  error_code add() { return by.add(mine.get(), EPOLLIN, *this); }
  void write() const { EXPECT_EQ(::send(other.get(), "x", 1, MSG_NOSIGNAL), 1); }
  bool read() const {
    char byte;
    return ::recv(mine.get(), &byte, 1, 0) == 1;
  }
  void on_ready(std::uint32_t events) override {
    ++calls;
    last = events;
    if (action) action();
  }

  poller& by;
  unique_fd mine;
  unique_fd other;
  int calls = 0;
  std::uint32_t last = 0;
  int* died = nullptr;
  std::function<void()> action;
};

class Poller : public test::no_descriptor_leaks {
 protected:
  boost::asio::io_context context{1};
  poller set{context};
};

TEST_F(Poller, CallsWhoIsReadyAndNobodyElse) {
  watched_end ready{set};
  watched_end idle{set};
  ready.action = [&] { ready.read(); };
  ASSERT_FALSE(ready.add());
  ASSERT_FALSE(idle.add());
  EXPECT_EQ(set.watched(), 2U);
  ready.write();
  ASSERT_TRUE(run_until(context, [&] { return ready.calls > 0; }));
  context.poll();
  EXPECT_EQ(ready.calls, 1);
  EXPECT_EQ(ready.last, std::uint32_t{EPOLLIN});
  EXPECT_EQ(idle.calls, 0);
}

TEST_F(Poller, CallsAgainWhileDataIsLeft) {
  watched_end end{set};
  ASSERT_FALSE(end.add());
  for (int i = 0; i < 20; ++i) end.write();
  int taken = 0;
  end.action = [&] { taken += end.read() ? 1 : 0; };
  ASSERT_TRUE(run_until(context, [&] { return taken == 20; }));
}

TEST_F(Poller, WakesALoopThatSleeps) {
  watched_end end{set};
  ASSERT_FALSE(end.add());
  int taken = 0;
  end.action = [&] { taken += end.read() ? 1 : 0; };
  for (int round = 1; round <= 50; ++round) {
    end.write();
    ASSERT_TRUE(run_until(context, [&] { return taken == round; }));
  }
}

TEST_F(Poller, LetsOtherHandlersRunWhileSomebodyIsAlwaysReady) {
  watched_end busy{set};
  ASSERT_FALSE(busy.add());
  busy.write();  // never read
  bool ran = false;
  ASSERT_TRUE(run_until(context, [&] { return busy.calls > 0; }));
  boost::asio::post(context, [&] { ran = true; });
  for (int i = 0; i < 10 && !ran; ++i) context.run_one();
  EXPECT_TRUE(ran);
}

TEST_F(Poller, ReportsAHangUp) {
  watched_end end{set};
  ASSERT_FALSE(end.add());
  end.action = [&] { set.remove(end.mine.get(), end); };
  end.other.reset();
  ASSERT_TRUE(run_until(context, [&] { return end.calls == 1; }));
  EXPECT_NE(end.last & EPOLLHUP, 0U);
}

TEST_F(Poller, ModifyChangesWhatIsWatched) {
  watched_end end{set};
  ASSERT_FALSE(end.add());
  end.action = [&] { set.remove(end.mine.get(), end); };
  ASSERT_FALSE(set.modify(end.mine.get(), EPOLLOUT, end));
  ASSERT_TRUE(run_until(context, [&] { return end.calls == 1; }));
  EXPECT_EQ(end.last, std::uint32_t{EPOLLOUT});
  EXPECT_EQ(set.modify(end.mine.get(), EPOLLIN, end).value(), ENOENT) << "no longer watched";
}

TEST_F(Poller, AHandoverBringsTheNextOneWhatComes) {
  watched_end end{set};
  watched_end next{set};
  ASSERT_FALSE(end.add());
  {
    const poller::handover watch{set, end.mine.get(), EPOLLIN, end};
    end.write();
    ASSERT_FALSE(set.take_over(end.mine.get(), EPOLLIN, next));
  }
  next.action = [&] { end.read(); };
  ASSERT_TRUE(run_until(context, [&] { return next.calls == 1; }));
  EXPECT_EQ(end.calls, 0);
  EXPECT_EQ(set.watched(), 1U);
  // Whoever took it over is registered like anybody else.
  next.action = [&] { set.remove(end.mine.get(), next); };
  ASSERT_FALSE(set.modify(end.mine.get(), EPOLLOUT, next));
  ASSERT_TRUE(run_until(context, [&] { return next.calls == 2; }));
  EXPECT_EQ(next.last, std::uint32_t{EPOLLOUT});
  EXPECT_EQ(set.watched(), 0U);
}

TEST_F(Poller, AHandoverMayChangeWhatIsWatched) {
  watched_end end{set};
  watched_end next{set};
  ASSERT_FALSE(end.add());
  end.write();
  {
    const poller::handover watch{set, end.mine.get(), EPOLLIN, end};
    ASSERT_FALSE(set.take_over(end.mine.get(), EPOLLOUT, next));
  }
  next.action = [&] { set.remove(end.mine.get(), next); };
  ASSERT_TRUE(run_until(context, [&] { return next.calls == 1; }));
  EXPECT_EQ(next.last, std::uint32_t{EPOLLOUT});
}

TEST_F(Poller, WhatNobodyTakesOverIsNotWatched) {
  watched_end end{set};
  watched_end other{set};
  ASSERT_FALSE(end.add());
  ASSERT_FALSE(other.add());
  end.action = [] { FAIL() << "called after the handover"; };
  { const poller::handover watch{set, end.mine.get(), EPOLLIN, end}; }
  EXPECT_EQ(set.watched(), 1U);
  end.write();
  other.write();
  other.action = [&] { other.read(); };
  ASSERT_TRUE(run_until(context, [&] { return other.calls == 1; }));
  for (int i = 0; i < 20; ++i) context.poll_one();
  ASSERT_FALSE(end.add()) << "as if it had never been watched";
  end.action = [&] { end.read(); };
  ASSERT_TRUE(run_until(context, [&] { return end.calls == 1; }));
}

TEST_F(Poller, DuringAHandoverADescriptorCanBeAddedAsEver) {
  watched_end end{set};
  watched_end next{set};
  watched_end other{set};
  ASSERT_FALSE(end.add());
  {
    const poller::handover outer{set, end.mine.get(), EPOLLIN, end};
    const poller::handover inner{set, other.mine.get(), EPOLLIN, other};  // was not watched
    ASSERT_FALSE(set.take_over(other.mine.get(), EPOLLIN, other));
    ASSERT_FALSE(set.add(end.mine.get(), EPOLLIN, next));
  }
  EXPECT_EQ(set.watched(), 2U);
  next.action = [&] { end.read(); };
  other.action = [&] { other.read(); };
  end.write();
  other.write();
  ASSERT_TRUE(run_until(context, [&] { return next.calls == 1 && other.calls == 1; }));
  EXPECT_EQ(end.calls, 0);
}

TEST_F(Poller, ADescriptorThatWasClosedDuringAHandoverLeavesNothing) {
  watched_end end{set};
  ASSERT_FALSE(end.add());
  {
    const poller::handover watch{set, end.mine.get(), EPOLLIN, end};
    const int number = end.mine.get();
    end.mine.reset();
    // The next one gets the same number.
    watched_end next{set};
    ASSERT_EQ(next.mine.get(), number);
    ASSERT_FALSE(next.add());
    next.write();
    next.action = [&] { next.read(); };
    ASSERT_TRUE(run_until(context, [&] { return next.calls == 1; }));
    set.remove(next.mine.get(), next);
  }
  EXPECT_EQ(set.watched(), 0U);
}

TEST_F(Poller, WhoWasRemovedIsNotCalledEvenInTheSameBatch) {
  // Both are ready and fetched together; whoever comes first removes the other.
  watched_end left{set};
  watched_end right{set};
  left.action = [&] { set.remove(right.mine.get(), right); };
  right.action = [&] { set.remove(left.mine.get(), left); };
  ASSERT_FALSE(left.add());
  ASSERT_FALSE(right.add());
  left.write();
  right.write();
  ASSERT_TRUE(run_until(context, [&] { return left.calls + right.calls > 0; }));
  for (int i = 0; i < 20; ++i) context.poll_one();
  EXPECT_TRUE((left.calls == 0) != (right.calls == 0));
  EXPECT_EQ(set.watched(), 1U);
}

TEST_F(Poller, TheRetiredAreDestroyedAfterTheBatchAndNeverCalledAgain) {
  int died = 0;
  int alive_inside = 0;
  std::vector<std::unique_ptr<watched_end>> ends;
  for (int i = 0; i < 10; ++i) {
    auto& end = ends.emplace_back(std::make_unique<watched_end>(set));
    end->died = &died;
    ASSERT_FALSE(end->add());
    end->write();
    end->action = [&] {
      for (auto& each : ends) {
        if (each) set.retire(std::move(each));
      }
      alive_inside = 10 - died;
    };
  }
  ASSERT_TRUE(run_until(context, [&] { return died == 10; }));
  EXPECT_EQ(alive_inside, 10) << "the first one called retired all; nobody died under it";
  EXPECT_EQ(set.watched(), 0U);
}

TEST_F(Poller, RetiringOutsideABatchDestroysLater) {
  int died = 0;
  auto end = std::make_unique<watched_end>(set);
  end->died = &died;
  ASSERT_FALSE(end->add());
  end->write();
  end->action = [] { FAIL() << "called after it was retired"; };
  set.retire(std::move(end));
  EXPECT_EQ(died, 0);
  ASSERT_TRUE(run_until(context, [&] { return died == 1; }));
}

TEST_F(Poller, ThePollerTakesTheRetiredWithIt) {
  int died = 0;
  {
    poller brief{context};
    auto end = std::make_unique<watched_end>(brief);
    end->died = &died;
    brief.retire(std::move(end));
  }
  EXPECT_EQ(died, 1);
  context.poll();
}

TEST_F(Poller, ADescriptorThatLivesOnElsewhereSpeaksToNobody) {
  // As in a process that is being spawned: closed here, but the open file and with it the
  // registration live on.
  auto first = std::make_unique<watched_end>(set);
  first->action = [] { FAIL() << "called after it was retired"; };
  ASSERT_FALSE(first->add());
  unique_fd elsewhere = first->mine.duplicate();
  unique_fd peer = std::move(first->other);
  set.retire(std::move(first));
  context.poll();
  ASSERT_EQ(::send(peer.get(), "x", 1, MSG_NOSIGNAL), 1);
  // The next one takes the same place in the table.
  watched_end second{set};
  ASSERT_FALSE(second.add());
  bool ran = false;
  boost::asio::post(context, [&] { ran = true; });
  ASSERT_TRUE(run_until(context, [&] { return ran; }));
  for (int i = 0; i < 20; ++i) context.poll_one();
  EXPECT_EQ(second.calls, 0);
  second.action = [&] { second.read(); };
  second.write();
  ASSERT_TRUE(run_until(context, [&] { return second.calls == 1; }));
}

TEST_F(Poller, AHandlerThatThrowsDoesNotStopTheOthers) {
  watched_end thrower{set};
  watched_end other{set};
  thrower.action = [&] {
    thrower.read();
    throw std::runtime_error{"a handler's"};
  };
  other.action = [&] { other.read(); };
  ASSERT_FALSE(thrower.add());
  ASSERT_FALSE(other.add());
  thrower.write();
  EXPECT_THROW(run_until(context, [&] { return false; }), std::runtime_error);
  other.write();
  ASSERT_TRUE(run_until(context, [&] { return other.calls == 1; }));
}

TEST_F(Poller, AddingSomebodyInsideABatchIsSafe) {
  std::vector<std::unique_ptr<watched_end>> ends;
  int taken = 0;
  std::function<void()> grow = [&] {
    ++taken;
    if (ends.size() >= 300) return;
    auto& end = ends.emplace_back(std::make_unique<watched_end>(set));
    ASSERT_FALSE(end->add());
    end->write();
    end->action = [&, raw = end.get()] {
      raw->read();
      grow();
    };
  };
  boost::asio::post(context, grow);
  ASSERT_TRUE(run_until(context, [&] { return taken == 301; }));
  EXPECT_EQ(set.watched(), 300U);
}

TEST_F(Poller, SaysWhyADescriptorCannotBeWatched) {
  watched_end end{set};
  EXPECT_EQ(set.add(-1, EPOLLIN, end).value(), EBADF);
  EXPECT_EQ(set.watched(), 0U);
  ASSERT_FALSE(end.add()) << "a failed attempt leaves no trace";
  set.remove(end.mine.get(), end);
  set.remove(end.mine.get(), end);
  EXPECT_EQ(set.watched(), 0U);
}

TEST_F(Poller, AfterCloseTheLoopRunsOutOfWork) {
  watched_end end{set};
  ASSERT_FALSE(end.add());
  end.write();
  end.action = [&] { set.close(); };
  context.run();
  EXPECT_EQ(end.calls, 1);
  EXPECT_EQ(set.add(end.mine.get(), EPOLLIN, *std::make_unique<watched_end>(set)).value(), EBADF);
}

}  // namespace
}  // namespace baton::net

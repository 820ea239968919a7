#include "ondemand/journal/journal.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace baton::ondemand::test {
namespace {

using enum service_state;

/// A generation's journal, with a service.
struct generation {
  journal book;
  chronicle& shop = book.add("shop", false);

  void start() { shop.changed(stopped, starting, {}, 0); }
  void come_up() {
    shop.spawned(42);
    shop.changed(starting, ready, {}, 42);
  }
  void end() {
    shop.changed(draining, stopping, {}, 42);
    shop.changed(stopping, stopped, {}, 0);
  }
};

TEST(Journal, NumbersTheChangesOfAllServices) {
  journal book;
  auto& one = book.add("one", false);
  auto& other = book.add("other", false);
  std::vector<std::uint64_t> told;
  book.listen({.on_change = [&](const state_change& what) { told.push_back(what.sequence); }});
  one.changed(stopped, starting, {}, 0);
  other.changed(stopped, starting, {}, 0);
  one.changed(starting, ready, {}, 7);
  EXPECT_EQ(told, (std::vector<std::uint64_t>{1, 2, 3}));
  const auto behind = book.since(1);
  ASSERT_EQ(behind.size(), 2);
  EXPECT_EQ(behind[0].service, "other");
  EXPECT_EQ(behind[1].pid, 7);
  EXPECT_TRUE(book.since(3).empty());
  EXPECT_EQ(book.last(), 3);
  EXPECT_EQ(book.find("other"), &other);
  EXPECT_EQ(book.find("nobody"), nullptr);
}

TEST(Journal, KeepsTheLastOnes) {
  generation one;
  for (std::size_t i = 0; i < journal::most + 5; ++i) one.start();
  EXPECT_EQ(one.book.since(0).size(), journal::most);
  EXPECT_EQ(one.book.since(0).front().sequence, 6);
}

TEST(Journal, AReasonOfAnyLengthIsCut) {
  generation one;
  one.shop.changed(starting, stopping, std::string(100'000, 'x'), 0);
  EXPECT_LE(one.book.since(0).front().why.size(), 1000);
}

TEST(Journal, CrossesARestart) {
  generation first;
  first.start();
  first.come_up();
  generation second;
  ASSERT_TRUE(second.book.learn(first.book.text()));
  ASSERT_EQ(second.book.since(0).size(), 2);
  EXPECT_EQ(second.book.since(0)[1].to, ready);
  EXPECT_EQ(second.book.since(0)[1].pid, 42);
  const auto before = first.shop.last_start();
  const auto after = second.shop.last_start();
  ASSERT_TRUE(after);
  EXPECT_EQ(after->number, before->number);
  EXPECT_EQ(after->ready, before->ready);
  EXPECT_EQ(after->at, std::chrono::time_point_cast<std::chrono::microseconds>(before->at));
  second.start();
  EXPECT_GT(second.book.last(), first.book.last() + 100) << "room for what the first still does";
  EXPECT_EQ(second.shop.last_start()->number, 2);
  EXPECT_EQ(second.shop.counted().starts, 2);
}

TEST(Journal, WhatTheFirstStillDidFollows) {
  generation first;
  first.start();
  first.come_up();
  first.end();
  first.start();
  const auto crossed = first.book.text();
  first.come_up();
  first.end();
  first.start();
  generation second;
  ASSERT_TRUE(second.book.learn(crossed));
  second.start();
  const auto late = second.book.learn_rest(first.book.rest());
  ASSERT_EQ(late.size(), 4);
  EXPECT_EQ(late.front().to, ready);
  EXPECT_EQ(second.shop.counted().starts, 4) << "each counted once, whoever did it";
  EXPECT_EQ(second.book.since(0).size(), 10);
  const auto starts = second.shop.starts();
  ASSERT_EQ(starts.size(), 4);
  EXPECT_TRUE(starts[1].ready) << "the first one saw it come up behind the handover";
  std::uint64_t times = 0;
  for (const auto each : second.shop.counted().times.counts) times += each;
  EXPECT_EQ(times, 2);
}

TEST(Journal, ATextThatIsNoneChangesNothing) {
  generation first;
  first.start();
  auto whole = first.book.text();
  generation second;
  for (const auto* text :
       {"", "[]", "{}", R"({"last":"x"})", R"({"last":1,"changes":[{}]})",
        R"({"last":1,"changes":[],"services":{"shop":{"starts":[{"number":1}]}}})"})
    EXPECT_FALSE(second.book.learn(text)) << text;
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(second.book.learn(whole.substr(0, size))) << size;
  EXPECT_EQ(second.book.last(), 0);
  EXPECT_TRUE(second.book.since(0).empty());
  EXPECT_TRUE(second.shop.starts().empty());
  EXPECT_TRUE(second.book.learn_rest("nothing").empty());
}

TEST(Journal, AServiceThatIsGoneIsLeftOut) {
  generation first;
  first.start();
  journal second;
  static_cast<void>(second.add("other", false));
  ASSERT_TRUE(second.learn(first.book.text()));
  EXPECT_EQ(second.find("shop"), nullptr);
  EXPECT_EQ(second.since(0).size(), 1) << "what was, was";
}

}  // namespace
}  // namespace baton::ondemand::test

#include "ondemand/handover/message.hpp"

#include <gtest/gtest.h>

namespace baton::ondemand::wire {
namespace {

using namespace std::chrono_literals;

/// What is read from what was written.
message there_and_back(const message& what) {
  std::string why;
  auto made = read(write(what), why);
  EXPECT_TRUE(made) << why;
  return made.value_or(message{});
}

template <class Type>
Type same(const Type& what) {
  const auto made = there_and_back(what);
  EXPECT_EQ(name_of(made), name_of(message{what}));
  return std::get<Type>(made);
}

std::string refusal_of(std::string_view bytes) {
  std::string why;
  EXPECT_FALSE(read(bytes, why)) << bytes;
  return why;
}

TEST(HandoverMessage, AGivenServiceArrivesWithAllThatIsKnownOfIt) {
  given sent;
  sent.service = "shop";
  sent.state = service_state::failed;
  sent.since = time_point{5s};
  sent.last_byte = time_point{7ns};
  sent.why = "exited with status 3";
  sent.failures = 4;
  sent.wanted = true;
  sent.kind = 2;
  sent.starts = 17;
  sent.target = "127.0.0.1:9001";
  sent.output = "no \"database\"\n";
  sent.waiting = 3;
  sent.marker = "a:b";
  sent.leader = 4711;
  sent.leader_start = 18'446'744'073'709'551'615U;
  sent.main = 4712;
  sent.main_start = 1;
  sent.started_at = time_point{4s};
  sent.has_error_output = true;
  const auto got = same(sent);
  EXPECT_EQ(got.service, "shop");
  EXPECT_EQ(got.state, service_state::failed);
  EXPECT_EQ(got.since, sent.since);
  EXPECT_EQ(got.last_byte, sent.last_byte);
  EXPECT_EQ(got.why, sent.why);
  EXPECT_EQ(got.failures, 4U);
  EXPECT_FALSE(got.retry_at);
  EXPECT_TRUE(got.wanted);
  EXPECT_EQ(got.kind, 2U);
  EXPECT_EQ(got.starts, 17U);
  EXPECT_EQ(got.target, sent.target);
  EXPECT_EQ(got.output, sent.output);
  EXPECT_EQ(got.waiting, 3U);
  EXPECT_EQ(got.marker, sent.marker);
  EXPECT_EQ(got.leader, 4711);
  EXPECT_EQ(got.leader_start, sent.leader_start);
  EXPECT_EQ(got.main, 4712);
  EXPECT_EQ(got.main_start, 1U);
  EXPECT_EQ(got.started_at, sent.started_at);
  EXPECT_FALSE(got.has_output);
  EXPECT_TRUE(got.has_error_output);
  EXPECT_FALSE(got.has_notify);
}

TEST(HandoverMessage, EachKindArrivesAsItself) {
  EXPECT_EQ(same(hello{.token = "secret"}).token, "secret");
  EXPECT_EQ(same(inventory{"shop", "@"}).address, "@");
  EXPECT_EQ(same(welcome{}).version, max_version);
  EXPECT_EQ(same(taken{"shop"}).service, "shop");
  EXPECT_TRUE(same(refused{"shop", "why", true}).stop_first);
  EXPECT_EQ(same(open{"shop", "@x"}).target, "@x");
  EXPECT_TRUE(same(open{"shop", "@x", true}).trial);
  EXPECT_FALSE(same(open{"shop", "@x"}).trial);
  EXPECT_EQ(same(wire::close{"shop", 9}).question, 9U);
  EXPECT_EQ(same(ask{"shop", 8}).question, 8U);
  EXPECT_EQ(same(watch{"shop", 8}).question, 8U);
  EXPECT_EQ(same(turn_away{"shop", "no", 250}).retry_after, 250);
  EXPECT_EQ(same(cleared{"shop"}).service, "shop");
  EXPECT_EQ(same(gone{"shop"}).service, "shop");
  same(leaving{});
  EXPECT_EQ(same(passed_on{12}).pid, 12);
  EXPECT_EQ(same(traffic{"shop", 3, 2, time_point{1s}}).last, time_point{1s});
  EXPECT_FALSE(same(traffic{"shop", 3, 2, {}}).last);
  EXPECT_EQ(same(knock{"shop", 5}).waiting, 5U);
  EXPECT_EQ(same(emptied{"shop"}).service, "shop");
  EXPECT_EQ(same(suspect{"shop", "reset"}).why, "reset");
  EXPECT_EQ(same(answered{"shop"}).service, "shop");
  EXPECT_EQ(same(exited{"shop", 139}).status, 139);
  EXPECT_FALSE(same(exited{"shop", {}}).status);
  EXPECT_EQ(same(order{"shop", "kill"}).what, "kill");
  EXPECT_EQ(same(farewell{"shop", time_point{2s}}).last, time_point{2s});
  EXPECT_EQ(same(parting{13}).pid, 13);
}

TEST(HandoverMessage, WhatAProgramWroteNeedNotBeUtf8) {
  EXPECT_EQ(same(suspect{"shop", "\xff\xfe\x01"}).why, "\xff\xfe\x01");
}

TEST(HandoverMessage, OfALongTextTheEndArrives) {
  const auto got = same(suspect{"shop", std::string(max_text, 'a') + "the end"});
  EXPECT_EQ(got.why.size(), max_text);
  EXPECT_TRUE(got.why.ends_with("the end"));
}

TEST(HandoverMessage, WhatIsNoMessageSaysWhy) {
  EXPECT_EQ(refusal_of(""), "it is no JSON object with a type");
  EXPECT_EQ(refusal_of("[1]"), "it is no JSON object with a type");
  EXPECT_EQ(refusal_of(R"({"type":7})"), "it is no JSON object with a type");
  EXPECT_EQ(refusal_of(R"({"type":"dance"})"),
            "it is of the type \"dance\", which nobody knows here");
  EXPECT_EQ(refusal_of(R"({"type":"taken"})"), "\"service\" is missing");
  EXPECT_EQ(refusal_of(R"({"type":"taken","service":3})"), "\"service\" is no text");
  EXPECT_EQ(refusal_of(R"({"type":"ask","service":"a","question":-1})"),
            "\"question\" is no whole number of that size");
  EXPECT_EQ(refusal_of(R"({"type":"parting","pid":4294967296})"),
            "\"pid\" is no whole number of that size");
  EXPECT_EQ(refusal_of(R"({"type":"refused","service":"a","why":"b","stop_first":1})"),
            "\"stop_first\" is neither true nor false");
  EXPECT_EQ(refusal_of(R"({"type":"taken","service":")" + std::string(max_text + 1, 'x') + "\"}"),
            "\"service\" is longer than 4 KiB");
  auto text = write(given{});
  text.replace(text.find("stopped"), 7, "asleep");
  EXPECT_EQ(refusal_of(text), "\"state\" is no state of a service");
}

TEST(HandoverMessage, WhatALaterGenerationAddsIsPassedOver) {
  std::string why;
  const auto got = read(R"({"type":"taken","service":"a","colour":"green"})", why);
  ASSERT_TRUE(got) << why;
  EXPECT_EQ(std::get<taken>(*got).service, "a");
}

}  // namespace
}  // namespace baton::ondemand::wire

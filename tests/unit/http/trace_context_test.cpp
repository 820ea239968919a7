#include "baton/http/trace_context.hpp"

#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "field_list.hpp"
#include "running_loop.hpp"

namespace baton::http {
namespace {

using test::running_loop;

constexpr const char* valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Of a request with these fields.
trace_context trace_of(const std::vector<std::pair<std::string, std::string>>& fields) {
  return trace_context::of(test::field_list{fields}.range());
}
trace_context trace_of(const std::string& traceparent) {
  return trace_of({{"traceparent", traceparent}});
}
std::string states_of(const std::vector<std::string>& values) {
  std::vector<std::pair<std::string, std::string>> fields{{"traceparent", valid}};
  for (const auto& value : values) fields.emplace_back("tracestate", value);
  return trace_of(fields).tracestate();
}

bool is_id(std::string_view id, std::size_t size) {
  return id.size() == size && id.find_first_not_of("0123456789abcdef") == std::string_view::npos &&
         id.find_first_not_of('0') != std::string_view::npos;
}

TEST(TraceContext, AValidParentIsTakenOver) {
  const auto trace = trace_of(valid);
  EXPECT_FALSE(trace.begun());
  EXPECT_EQ(trace.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(trace.parent_span_id(), "00f067aa0ba902b7");
  EXPECT_TRUE(trace.sampled());
  EXPECT_TRUE(is_id(trace.span_id(), 16));
  EXPECT_NE(trace.span_id(), trace.parent_span_id());
}

TEST(TraceContext, WithoutAParentItBegins) {
  const auto trace = trace_of(std::vector<std::pair<std::string, std::string>>{});
  EXPECT_TRUE(trace.begun());
  EXPECT_TRUE(is_id(trace.trace_id(), 32));
  EXPECT_TRUE(is_id(trace.span_id(), 16));
  EXPECT_EQ(trace.parent_span_id(), "");
  EXPECT_FALSE(trace.sampled());
}

TEST(TraceContext, OnlyTheSampledFlagCounts) {
  const std::string head = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-";
  EXPECT_FALSE(trace_of(head + "00").sampled());
  EXPECT_FALSE(trace_of(head + "fe").sampled());
  EXPECT_TRUE(trace_of(head + "ff").sampled());
  EXPECT_TRUE(trace_of(head + "03").sampled());
}

TEST(TraceContext, WhatIsNotExactlyAParentIsNone) {
  for (const char* wrong : {
           "",
           "00",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 ",
           "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00F067AA0BA902B7-01",
           "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
           "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e47360-00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b-01",
           "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7_01",
           "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
           "FF-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
           "0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
           "g0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
           "4bf92f3577b34da6a3ce929d0e0e4736",
       }) {
    const auto trace = trace_of(wrong);
    EXPECT_TRUE(trace.begun()) << wrong;
    EXPECT_TRUE(is_id(trace.trace_id(), 32)) << wrong;
    EXPECT_NE(trace.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736") << wrong;
  }
}

TEST(TraceContext, ALaterVersionIsReadAsFarAsItIsKnown) {
  const std::string later = "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  EXPECT_EQ(trace_of(later).trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(trace_of(later + "-what-the-future-will-be-like").parent_span_id(), "00f067aa0ba902b7");
  EXPECT_TRUE(trace_of(later + ".what").begun());
  EXPECT_TRUE(trace_of(later + "0").begun());
  // What is passed on is the version known here.
  EXPECT_TRUE(trace_of(later).traceparent().starts_with("00-"));
}

TEST(TraceContext, TwoParentsAreNone) {
  const auto trace = trace_of({{"traceparent", valid}, {"Traceparent", valid}});
  EXPECT_TRUE(trace.begun());
}

TEST(TraceContext, TheNameIsCaseInsensitive) {
  EXPECT_FALSE(trace_of({{"TraceParent", valid}}).begun());
}

TEST(TraceContext, TheStateIsPassedOnAsItCame) {
  EXPECT_EQ(states_of({"rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"}),
            "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE");
  EXPECT_EQ(states_of({"rojo=1", "congo=2"}), "rojo=1,congo=2");
  EXPECT_EQ(states_of({"rojo=1 , \tcongo=2,,"}), "rojo=1 , \tcongo=2,,");
  EXPECT_EQ(states_of({"fw529a3039@dt=FfAx", "0tenant@s=v w"}), "fw529a3039@dt=FfAx,0tenant@s=v w");
  EXPECT_EQ(states_of({}), "");
}

TEST(TraceContext, AMalformedStateIsDroppedAndTheTraceStays) {
  std::string many = "a0=x";
  for (int i = 1; i < 33; ++i) many += ",a" + std::to_string(i) + "=x";
  for (const auto& wrong :
       {std::string{"rojo"}, std::string{"=1"}, std::string{"rojo="}, std::string{"Rojo=1"},
        std::string{"1rojo=1"}, std::string{"rojo=1=2"}, std::string{"rojo=1,rojo=2"},
        std::string{"@s=1"}, std::string{"t@=1"}, std::string{"t@1s=1"},
        std::string{"t@abcdefghijklmno=1"}, std::string{"rojo=caf\xC3\xA9"},
        "k" + std::string(256, 'k') + "=1", "rojo=" + std::string(257, 'v'), many}) {
    EXPECT_EQ(states_of({wrong}), "") << wrong;
  }
  EXPECT_FALSE(trace_of({{"traceparent", valid}, {"tracestate", "="}}).begun());
  EXPECT_EQ(states_of({many.substr(0, many.rfind(','))}).size(), many.rfind(','));
}

TEST(TraceContext, AStateWithoutAParentIsNothing) {
  EXPECT_EQ(trace_of({{"tracestate", "rojo=1"}}).tracestate(), "");
}

TEST(TraceContext, TheNextCallsParentIsThisRequest) {
  auto trace = trace_of(valid);
  EXPECT_EQ(trace.traceparent(),
            "00-4bf92f3577b34da6a3ce929d0e0e4736-" + std::string{trace.span_id()} + "-01");
  trace.set_sampled(false);
  EXPECT_TRUE(trace.traceparent().ends_with("-00"));
  const auto next = trace_of(trace.traceparent());
  EXPECT_EQ(next.trace_id(), trace.trace_id());
  EXPECT_EQ(next.parent_span_id(), trace.span_id());
}

TEST(TraceContext, IdsDifferAlsoBetweenThreads) {
  constexpr std::size_t each = 2000;
  std::vector<std::vector<std::string>> made(4);
  std::vector<std::thread> threads;
  for (auto& ids : made)
    threads.emplace_back([&ids] {
      for (std::size_t i = 0; i < each; ++i) {
        const auto trace = trace_of("");
        ids.emplace_back(trace.trace_id());
        ids.emplace_back(trace.span_id());
      }
    });
  for (auto& thread : threads) thread.join();
  std::set<std::string> all;
  for (const auto& ids : made) all.insert(ids.begin(), ids.end());
  EXPECT_EQ(all.size(), made.size() * each * 2);
}

TEST(TraceContext, AHandlerIsGivenItsRequestsTrace) {
  running_loop on;
  on.web.get("/", [](const request& asked) {
    // Asked for twice, it is the same.
    return response::text(asked.trace().traceparent() + " " + asked.trace().traceparent());
  });
  const auto answer = test::body_of(on.whole_answer(
      std::string{"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\ntraceparent: "} + valid +
      "\r\n\r\n"));
  const std::regex wanted{"(00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-01) \\1"};
  EXPECT_TRUE(std::regex_match(answer, wanted)) << answer;
}

TEST(TraceContext, EachRequestOfAConnectionHasItsOwn) {
  running_loop on;
  on.web.get("/", [](const request& asked) {
    return response::text(std::string{asked.trace().trace_id()});
  });
  auto by = on.connect();
  std::set<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    by.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(on.until_received(by, "\r\n\r\n"));
    ids.insert(test::body_of(by.take()));
  }
  EXPECT_EQ(ids.size(), 3U);
}

}  // namespace
}  // namespace baton::http

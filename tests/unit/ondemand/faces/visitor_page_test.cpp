#include "ondemand/faces/visitor_page.hpp"

#include <gtest/gtest.h>

namespace baton::ondemand::test {
namespace {

using namespace std::chrono_literals;

bool has(const http::response& of, std::string_view text) {
  return of.body().find(text) != std::string_view::npos;
}

TEST(VisitorPage, TellsWhatItIsGiven) {
  const auto answer = answer_with({.status = 503,
                                   .heading = "shop is starting",
                                   .sentences = {"It is started for this request."},
                                   .state = "starting",
                                   .elapsed = 2500ms,
                                   .progress = "connection refused",
                                   .output = "begun\nloading\n",
                                   .poll = "/.baton/services/shop"});
  EXPECT_EQ(answer.status(), 503);
  for (const auto* text :
       {"<title>shop is starting</title>", "<p>It is started for this request.</p>",
        R"(<dd id="state">starting</dd>)", "connection refused", "begun\nloading",
        R"(data-poll="/.baton/services/shop")", R"(data-elapsed="2500")",
        R"(<noscript><meta http-equiv="refresh" content="2"></noscript>)"})
    EXPECT_TRUE(has(answer, text)) << text;
  EXPECT_FALSE(has(answer, "{{"));
}

TEST(VisitorPage, OneThatWaitsForNothingDoesNotReload) {
  const auto answer = answer_with({.status = 404, .heading = "There is nothing here"});
  EXPECT_FALSE(has(answer, "http-equiv=\"refresh\""));
  EXPECT_FALSE(has(answer, "data-poll="));
  EXPECT_TRUE(has(answer, R"(<dl id="facts" hidden>)"));
}

TEST(VisitorPage, IsNotStoredIndexedOrFramedAndFetchesNothing) {
  const auto answer = answer_with({.heading = "x"});
  EXPECT_EQ(answer.header("Cache-Control"), "no-store");
  EXPECT_EQ(answer.header("X-Robots-Tag"), "noindex");
  EXPECT_EQ(answer.header("X-Frame-Options"), "DENY");
  EXPECT_NE(
      answer.header("Content-Security-Policy").find("default-src 'none'; script-src 'sha256-"),
      std::string_view::npos);
  for (const auto* outside : {"src=", "@import", "https://", "url("})
    EXPECT_FALSE(has(answer, outside)) << outside;
  EXPECT_TRUE(has(answer, "prefers-color-scheme: dark"));
}

TEST(VisitorPage, WhateverIsToldIsEscaped) {
  const std::string evil = R"(</pre><script>alert("1")</script>{{state}}&')";
  const auto answer = answer_with({.heading = evil,
                                   .sentences = {evil},
                                   .state = evil,
                                   .progress = evil,
                                   .output = evil,
                                   .poll = "/\"><script>"});
  EXPECT_FALSE(has(answer, "<script>alert"));
  EXPECT_FALSE(has(answer, "\"><script>"));
  EXPECT_TRUE(has(answer, "&lt;/pre&gt;&lt;script&gt;alert(&quot;1&quot;)"));
  EXPECT_TRUE(has(answer, "{{state}}")) << "what is told is no template";
  EXPECT_EQ(escape_html("a\x01\x1b[31m\n"), "a  [31m\n");
}

TEST(VisitorPage, IsSmallHoweverMuchThereIsToTell) {
  for (const auto* piece : {"<", "x", "line\n", "\xc3\xa4", "\xe2\x82\xac"}) {
    std::string much;
    while (much.size() < 100'000) much += piece;
    const auto answer = answer_with(
        {.heading = much, .sentences = {much}, .progress = much, .output = much, .poll = "/p"});
    EXPECT_LE(answer.body().size(), visitor_page::most_bytes) << piece;
  }
  const auto answer = answer_with({.heading = "x", .output = std::string(9000, 'x') + "\nlast\n"});
  EXPECT_TRUE(has(answer, "last\n"));
}

}  // namespace
}  // namespace baton::ondemand::test

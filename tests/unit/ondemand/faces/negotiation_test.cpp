#include "ondemand/faces/negotiation.hpp"

#include <gtest/gtest.h>

#include <string>

#include "../received_request.hpp"

namespace baton::ondemand::test {
namespace {

constexpr const char* browser =
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";

bool wants(std::string_view line, std::string_view fields) {
  const received_request asked{
      std::string{line}.append(" HTTP/1.1\r\nHost: h\r\n").append(fields).append("\r\n")};
  return wants_page(asked.request);
}

TEST(Negotiation, ABrowserThatGoesToAPageIsShownOne) {
  EXPECT_TRUE(accepts_page(browser, "navigate"));
  EXPECT_TRUE(accepts_page(browser, "")) << "one that says nothing of what it is at";
  EXPECT_TRUE(accepts_page("text/html", ""));
  EXPECT_TRUE(accepts_page("TEXT/HTML ; q=0.5", ""));
}

TEST(Negotiation, WhoDoesNotNameAPageIsAnApisClient) {
  for (const auto* accept : {"", "*/*", "application/json", "text/*", "text/plain", "text/htmlx",
                             "image/webp,*/*;q=0.8"})
    EXPECT_FALSE(accepts_page(accept, "")) << accept;
}

TEST(Negotiation, APagesOwnRequestsAreNoNavigation) {
  for (const auto* mode : {"cors", "no-cors", "same-origin", "websocket"})
    EXPECT_FALSE(accepts_page(browser, mode)) << mode;
}

TEST(Negotiation, WeightsCount) {
  EXPECT_FALSE(accepts_page("text/html;q=0", ""));
  EXPECT_FALSE(accepts_page("text/html;q=0.000", ""));
  EXPECT_FALSE(accepts_page("application/json, text/html;q=0.9", ""));
  EXPECT_TRUE(accepts_page("application/json;q=0.8, text/html;q=0.9", ""));
  EXPECT_TRUE(accepts_page("application/json, text/html", "")) << "no less than JSON";
  EXPECT_TRUE(accepts_page("text/html;level=1;q=1.0", ""));
  EXPECT_TRUE(accepts_page(",,;;, text/html", ""));
}

TEST(Negotiation, OnlyGetIsAVisit) {
  const auto accept = std::string{"Accept: "}.append(browser).append("\r\n");
  EXPECT_TRUE(wants("GET /", accept));
  EXPECT_TRUE(wants("GET /", accept + "Sec-Fetch-Mode: navigate\r\n"));
  EXPECT_FALSE(wants("GET /", accept + "Sec-Fetch-Mode: cors\r\n"));
  EXPECT_FALSE(wants("POST /", accept + "Content-Length: 0\r\n"));
  EXPECT_FALSE(wants("HEAD /", accept));
  EXPECT_FALSE(wants("GET /", ""));
}

}  // namespace
}  // namespace baton::ondemand::test

#include "ondemand/faces/services_page.hpp"

#include <gtest/gtest.h>

namespace baton::ondemand::test {
namespace {

TEST(ServicesPage, IsOnePageThatFetchesNothingFromElsewhere) {
  const auto page = services_page();
  EXPECT_NE(page.find("<!doctype html>"), std::string_view::npos);
  for (const auto* missing : {"@shared_", "@page_"})
    EXPECT_EQ(page.find(missing), std::string_view::npos) << missing;
  for (const auto* outside : {"src=", "@import", "https://", "url("})
    EXPECT_EQ(page.find(outside), std::string_view::npos) << outside;
}

TEST(ServicesPage, NothingOfItsAnswerIsStoredFramedOrGuessed) {
  const auto answer = services_page_answer();
  EXPECT_EQ(answer.header("Cache-Control"), "no-store");
  EXPECT_EQ(answer.header("X-Frame-Options"), "DENY");
  EXPECT_NE(answer.header("Content-Security-Policy").find("sha256-"), std::string_view::npos);
}

}  // namespace
}  // namespace baton::ondemand::test

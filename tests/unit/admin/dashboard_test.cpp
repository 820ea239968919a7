#include "admin/dashboard.hpp"

#include <gtest/gtest.h>

#include "baton/base/error.hpp"

namespace baton::admin {
namespace {

TEST(Dashboard, IsOnePageThatFetchesNothingFromElsewhere) {
  const auto page = dashboard_page();
  EXPECT_NE(page.find("<!doctype html>"), std::string_view::npos);
  EXPECT_EQ(page.find("@dashboard_"), std::string_view::npos) << "style and script are in it";
  for (const auto* outside : {"src=", "@import", "https://", "url("})
    EXPECT_EQ(page.find(outside), std::string_view::npos) << outside;
  EXPECT_NE(page.find("prefers-color-scheme: dark"), std::string_view::npos);
}

TEST(Dashboard, ItsPolicyNamesItsOwnScriptAndStyleByDigest) {
  // openssl dgst -sha256 -binary | base64, of "a()" and "b{}".
  EXPECT_EQ(content_security_policy("<style>b{}</style><script>a()</script>"),
            "default-src 'none'; "
            "script-src 'sha256-qVpDBgj7bpq5hMAcGp3AOc79J3Y1Z4HvySTwKrWDoy4='; "
            "style-src 'sha256-7yqHVAesot11p6HczDsgKRipvI5UPgs97z80zNXlans='; "
            "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'");
  EXPECT_THROW(static_cast<void>(content_security_policy("<p>bare</p>")), setup_error);
}

TEST(Dashboard, NothingOfItsAnswerIsStoredFramedOrGuessed) {
  const auto answer = dashboard_answer();
  EXPECT_EQ(answer.header("Cache-Control"), "no-store");
  EXPECT_EQ(answer.header("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(answer.header("X-Frame-Options"), "DENY");
  EXPECT_NE(answer.header("Content-Security-Policy").find("sha256-"), std::string_view::npos);
}

}  // namespace
}  // namespace baton::admin

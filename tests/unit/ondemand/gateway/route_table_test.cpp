#include "ondemand/gateway/route_table.hpp"

#include <gtest/gtest.h>

#include "baton/base/error.hpp"

namespace baton::ondemand {
namespace {

class RouteTable : public testing::Test {
 protected:
  [[nodiscard]] int find(std::string_view host, std::string_view path = "/",
                         std::string_view listener = "web") const {
    const auto found = table.find(host, path, listener);
    return found ? static_cast<int>(*found) : -1;
  }
  void refused(const route& what, std::string_view why) {
    try {
      table.add(what, 9);
      ADD_FAILURE() << what.host << what.path << " was taken";
    } catch (const setup_error& error) {
      EXPECT_NE(std::string_view{error.what()}.find(why), std::string_view::npos) << error.what();
    }
  }
  route_table table;
};

TEST_F(RouteTable, KnowsHostsWhateverTheirCasePortAndLastDot) {
  table.add({.host = "Shop.Example"}, 1);
  for (const auto* host : {"shop.example", "SHOP.EXAMPLE", "shop.example:8080", "shop.example."})
    EXPECT_EQ(find(host), 1) << host;
  for (const auto* host : {"", "example", "a.shop.example", "shop.example.org", "xshop.example"})
    EXPECT_EQ(find(host), -1) << host;
}

TEST_F(RouteTable, AnAddressIsAHostToo) {
  table.add({.host = "[::1]"}, 1);
  table.add({.host = "127.0.0.1"}, 2);
  EXPECT_EQ(find("[::1]:80"), 1);
  EXPECT_EQ(find("[::1]"), 1);
  EXPECT_EQ(find("127.0.0.1:80"), 2);
}

TEST_F(RouteTable, AnExactHostComesBeforeAWildcardAndTheLongestOfTheseFirst) {
  table.add({.host = "*.example"}, 1);
  table.add({.host = "*.shop.example"}, 2);
  table.add({.host = "a.shop.example"}, 3);
  table.add({}, 4);
  EXPECT_EQ(find("a.shop.example"), 3);
  EXPECT_EQ(find("b.shop.example"), 2);
  EXPECT_EQ(find("x.b.shop.example"), 2);
  EXPECT_EQ(find("shop.example"), 1) << "a wildcard is for what is below it";
  EXPECT_EQ(find("example"), 4);
  EXPECT_EQ(find(""), 4);
  EXPECT_EQ(find("other.org"), 4);
}

TEST_F(RouteTable, PathsAreWholeSegmentsAndTheLongestWins) {
  table.add({.host = "a", .path = "/"}, 1);
  table.add({.host = "a", .path = "/app"}, 2);
  table.add({.host = "a", .path = "/app/admin/"}, 3);
  EXPECT_EQ(find("a", "/"), 1);
  EXPECT_EQ(find("a", "/apple"), 1);
  EXPECT_EQ(find("a", "/app"), 2);
  EXPECT_EQ(find("a", "/app/x"), 2);
  EXPECT_EQ(find("a", "/app/admin"), 3);
  EXPECT_EQ(find("a", "/app/admin/y"), 3);
  EXPECT_EQ(find("a", "*"), 1) << "OPTIONS *";
}

TEST_F(RouteTable, WhereAHostHasNoSuchPathALessExactOneMay) {
  table.add({.host = "a.example", .path = "/api"}, 1);
  table.add({.host = "*.example"}, 2);
  EXPECT_EQ(find("a.example", "/api"), 1);
  EXPECT_EQ(find("a.example", "/"), 2);
}

TEST_F(RouteTable, AListenerMayDecide) {
  table.add({.listener = "one"}, 1);
  table.add({.listener = "two"}, 2);
  EXPECT_EQ(find("x", "/", "one"), 1);
  EXPECT_EQ(find("x", "/", "two"), 2);
  EXPECT_EQ(find("x", "/", "web"), -1);
  table.add({}, 3);
  EXPECT_EQ(find("x", "/", "one"), 1);
  EXPECT_EQ(find("x", "/", "web"), 3);
}

TEST_F(RouteTable, RefusesWhatMakesNoSense) {
  refused({.host = "http://shop"}, "without scheme");
  refused({.host = "shop:80"}, "port");
  refused({.host = "a.*.b"}, "whole names in front");
  refused({.host = "*"}, "whole names in front");
  refused({.path = "app"}, "begins with a slash");
  refused({.path = "/a?b"}, "query");
  table.add({.host = "a", .path = "/x"}, 1);
  refused({.host = "A", .path = "/x/"}, "two services");
}

TEST_F(RouteTable, AnEndlessHostIsNobodys) {
  table.add({}, 1);
  EXPECT_EQ(find(std::string(100'000, 'a')), 1);
  EXPECT_EQ(find(std::string(100'000, '.')), 1);
}

}  // namespace
}  // namespace baton::ondemand

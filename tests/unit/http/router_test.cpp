#include "baton/http/router.hpp"

#include <gtest/gtest.h>

#include "baton/base/error.hpp"

namespace baton::http::test {
namespace {

response answer(const request&) { return {}; }

std::string found(const router& routes, method on, std::string_view path) {
  router::match match;
  routes.find(on, path, match);
  if (match.found == nullptr)
    return match.allowed == 0 ? "404" : "405 " + router::allow(match.allowed);
  auto text = match.found->pattern;
  for (std::size_t i = 0; i < match.count; ++i)
    text += " " + match.found->names[i] + "=" + std::string{match.values[i]};
  return text;
}

TEST(Router, FindsLiteralsParametersAndRests) {
  router routes;
  for (const auto* pattern : {"/", "/users", "/users/", "/users/me", "/users/{id}",
                              "/users/{id}/posts/{post}", "/files/{rest...}", "/files/special"})
    routes.add(method::get, pattern, answer);
  EXPECT_EQ(found(routes, method::get, "/"), "/");
  EXPECT_EQ(found(routes, method::get, "/users"), "/users");
  EXPECT_EQ(found(routes, method::get, "/users/"), "/users/");
  EXPECT_EQ(found(routes, method::get, "/users/me"), "/users/me");
  EXPECT_EQ(found(routes, method::get, "/users/7"), "/users/{id} id=7");
  EXPECT_EQ(found(routes, method::get, "/users/7/posts/9"), "/users/{id}/posts/{post} id=7 post=9");
  EXPECT_EQ(found(routes, method::get, "/users//posts/9"), "404");
  EXPECT_EQ(found(routes, method::get, "/users/7/posts"), "404");
  EXPECT_EQ(found(routes, method::get, "/files/a/b/"), "/files/{rest...} rest=a/b/");
  EXPECT_EQ(found(routes, method::get, "/files/"), "/files/{rest...} rest=");
  EXPECT_EQ(found(routes, method::get, "/files"), "404");
  EXPECT_EQ(found(routes, method::get, "/files/special"), "/files/special");
  EXPECT_EQ(found(routes, method::get, "*"), "404");
}

TEST(Router, GoesBackWhenALiteralLeadsNowhere) {
  router routes;
  routes.add(method::get, "/a/{x}/c", answer);
  routes.add(method::get, "/a/b/{y}/d", answer);
  routes.add(method::get, "/{all...}", answer);
  EXPECT_EQ(found(routes, method::get, "/a/b/c"), "/a/{x}/c x=b");
  EXPECT_EQ(found(routes, method::get, "/a/b/c/d"), "/a/b/{y}/d y=c");
  EXPECT_EQ(found(routes, method::get, "/a/b/c/e"), "/{all...} all=a/b/c/e");
}

TEST(Router, LooksForTheMethodAmongAllThatMatch) {
  router routes;
  routes.add(method::get, "/users/me", answer);
  routes.add(method::post, "/users/{id}", answer);
  EXPECT_EQ(found(routes, method::post, "/users/me"), "/users/{id} id=me");
  EXPECT_EQ(found(routes, method::put, "/users/me"), "405 GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(found(routes, method::put, "/users/7"), "405 POST, OPTIONS");
  EXPECT_EQ(found(routes, method::put, "/other"), "404");
  EXPECT_EQ(found(routes, method::unknown, "/users/me"), "405 GET, HEAD, POST, OPTIONS");
}

TEST(Router, ServesHeadByGetUnlessItHasItsOwn) {
  router routes;
  routes.add(method::get, "/a", answer);
  routes.add(method::get, "/b/{x}", answer);
  routes.add(method::head, "/b/{y}", answer);
  EXPECT_EQ(found(routes, method::head, "/a"), "/a");
  EXPECT_EQ(found(routes, method::head, "/b/1"), "/b/{y} y=1");
}

TEST(Router, AnyTakesWhatIsLeftInWhateverOrder) {
  router routes;
  routes.add_any("/first", answer, {.max_body = 1});
  routes.add(method::get, "/first", answer);
  router::match match;
  routes.find(method::get, "/first", match);
  EXPECT_FALSE(match.found->options.max_body);
  routes.find(method::post, "/first", match);
  EXPECT_EQ(match.found->options.max_body, 1U);
  EXPECT_THROW(routes.add_any("/first", answer), setup_error);
  EXPECT_EQ(found(routes, method::connect, "/first"),
            "405 GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS, TRACE");
}

TEST(Router, RefusesConflictsAndNonsense) {
  router routes;
  routes.add(method::get, "/a/{x}", answer);
  routes.add(method::get, "/r/{x...}", answer);
  EXPECT_THROW(routes.add(method::get, "/a/{y}", answer), setup_error);
  EXPECT_THROW(routes.add(method::get, "/r/{y...}", answer), setup_error);
  for (const auto* pattern : {"", "a", "/{", "/}", "/{}", "/{a}b", "/a{b}", "/{a...}/b", "/{a b}",
                              "/a?b", "/a b", "/{...}"})
    EXPECT_THROW(routes.add(method::get, pattern, answer), setup_error) << pattern;
  EXPECT_THROW(routes.add(method::connect, "/c", answer), setup_error);
  std::string deep;
  for (int i = 0; i < 16; ++i) deep += "/{p" + std::to_string(i) + "}";
  EXPECT_THROW(routes.add(method::get, deep + "/{more}", answer), setup_error);
  routes.add(method::get, deep, answer);
  EXPECT_EQ(found(routes, method::get, "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17"), "404");
  EXPECT_NE(found(routes, method::get, "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16"), "404");
}

}  // namespace
}  // namespace baton::http::test

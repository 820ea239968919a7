#include "baton/admin/extension.hpp"

#include <gtest/gtest.h>

#include <string>

#include "baton/admin/service.hpp"
#include "baton/base/error.hpp"
#include "baton/server/server.hpp"

namespace baton::admin {
namespace {

extension at(std::string path) {
  return {.path = std::move(path),
          .answer = [](const http::request&, http::responder done) { done(http::response{}); }};
}

TEST(Extension, HasAPathOfItsOwn) {
  baton::server server;
  service admin{server, {.address = "127.0.0.1:0"}};
  for (const auto* path :
       {"", "/", "services", "/services/", "/health", "/health/more", "/log-level"})
    EXPECT_THROW(admin.add(at(path)), setup_error) << path;
  admin.add(at("/services"));
  for (const auto* path : {"/services", "/services/more"})
    EXPECT_THROW(admin.add(at(path)), setup_error) << path;
  admin.add(at("/servicesmore"));
}

TEST(Extension, MustAnswer) {
  baton::server server;
  service admin{server, {.address = "127.0.0.1:0"}};
  EXPECT_THROW(admin.add({.path = "/services"}), setup_error);
}

}  // namespace
}  // namespace baton::admin

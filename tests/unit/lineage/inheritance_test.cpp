#include "baton/lineage/inheritance.hpp"

#include <gtest/gtest.h>

namespace baton::lineage {
namespace {

inheritance make() {
  inheritance made;
  made.listeners.push_back({"web", "0.0.0.0:80", {}});
  made.listeners.push_back({"admin", "127.0.0.1:81", {}});
  made.listeners.push_back({"", "unix:/run/x", {}});
  made.state.push_back({"tickets", 2, "bytes"});
  return made;
}

TEST(Inheritance, IsClaimedByNameFirst) {
  auto given = make();
  const auto claimed = given.claim("admin", "0.0.0.0:80");
  ASSERT_TRUE(claimed);
  EXPECT_EQ(claimed->address, "127.0.0.1:81");
  EXPECT_EQ(given.listeners.size(), 2U);
  EXPECT_FALSE(given.claim("admin", ""));
}

TEST(Inheritance, IsClaimedByAddressElse) {
  auto given = make();
  EXPECT_EQ(given.claim("other", "unix:/run/x")->address, "unix:/run/x");
  EXPECT_FALSE(given.claim("", ""));
  EXPECT_FALSE(given.claim("other", "0.0.0.0:8080"));
  EXPECT_EQ(given.listeners.size(), 2U);
}

TEST(Inheritance, FindsStateByItsKey) {
  const auto given = make();
  ASSERT_NE(given.find_state("tickets"), nullptr);
  EXPECT_EQ(given.find_state("tickets")->version, 2U);
  EXPECT_EQ(given.find_state("none"), nullptr);
}

}  // namespace
}  // namespace baton::lineage

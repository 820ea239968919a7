// docs/configuration.md and docs/configuration.schema.json say what the table says. To write them
// anew: BATON_WRITE_REFERENCE=1 config_test --gtest_filter='Reference.*'
#include "baton/config/reference.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>

#include "config/table.hpp"

namespace {

using namespace baton::config;

void expect_current(const std::string& name, const std::string& wanted) {
  const auto path = std::string{CONFIG_DOCS} + '/' + name;
  if (std::getenv("BATON_WRITE_REFERENCE") != nullptr) std::ofstream{path} << wanted;
  std::ifstream file{path};
  const std::string found{std::istreambuf_iterator<char>{file}, {}};
  EXPECT_EQ(found, wanted) << name << " is out of date; see the head of this test";
}

TEST(Reference, TheDocumentationIsCurrent) { expect_current("configuration.md", documentation()); }

TEST(Reference, TheSchemaIsCurrent) { expect_current("configuration.schema.json", json_schema()); }

/// Whatever is bound is a member of what it will be given, and its default is one it may have.
void verify(const section& of, const void* defaults) {
  std::set<std::string_view> names;
  for (const auto& each : of.keys) {
    EXPECT_TRUE(names.insert(each.name).second) << each.name;
    EXPECT_EQ(*each.owner, *of.object) << of.name << '.' << each.name;
    EXPECT_FALSE(each.docs.empty()) << each.name;
    EXPECT_NE(each.docs.back(), '.') << each.name;
    if (const auto is = each.get(defaults); const auto* number = std::get_if<std::uint64_t>(&is)) {
      if (each.kind == value_kind::choice) continue;
      EXPECT_GE(*number, each.least) << each.name;
      EXPECT_LE(*number, each.most) << each.name;
    }
  }
  for (const auto& each : of.sections) {
    EXPECT_TRUE(names.insert(each.name).second) << each.name;
    ASSERT_EQ(*each.outer, *of.object) << of.name << '.' << each.name;
    verify(each, each.kind == section::form::one ? each.inside_of(defaults) : each.fresh());
  }
}

TEST(Table, IsBoundToWhatItDescribes) { verify(table(), table().fresh()); }

}  // namespace

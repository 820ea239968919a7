// docs/configuration.md and docs/configuration.schema.json say what the table says. To write them
// anew: BATON_WRITE_REFERENCE=1 config_test --gtest_filter='Reference.*'
#include "baton/config/reference.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "config/table.hpp"
#include "unit/config/verify_table.hpp"

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

TEST(Table, IsBoundToWhatItDescribes) { verify(table(), table().fresh()); }

}  // namespace

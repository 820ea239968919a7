// docs/ondemand-configuration.md and its schema say what the table says. To write them anew:
// BATON_WRITE_REFERENCE=1 ondemand_settings_test --gtest_filter='Reference.*'
#include "baton/config/reference.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "config/table.hpp"
#include "unit/config/verify_table.hpp"
#include "written.hpp"

namespace {

void expect_current(const std::string& name, const std::string& wanted) {
  const auto path = std::string{CONFIG_DOCS} + '/' + name;
  if (std::getenv("BATON_WRITE_REFERENCE") != nullptr) std::ofstream{path} << wanted;
  std::ifstream file{path};
  const std::string found{std::istreambuf_iterator<char>{file}, {}};
  EXPECT_EQ(found, wanted) << name << " is out of date; see the head of this test";
}

TEST(Reference, TheDocumentationOfServicesIsCurrent) {
  expect_current("ondemand-configuration.md",
                 baton::config::documentation(gateway_sources().defaults));
}

TEST(Reference, TheSchemaOfServicesIsCurrent) {
  expect_current("ondemand-configuration.schema.json",
                 baton::config::json_schema(gateway_sources().defaults));
}

TEST(Table, OfServicesIsBoundToWhatItDescribes) {
  const auto defaults = gateway_sources().defaults;
  baton::config::verify(baton::config::table(defaults), &defaults);
}

}  // namespace

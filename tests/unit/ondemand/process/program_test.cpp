#include "baton/ondemand/program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "baton/base/error.hpp"

namespace baton::ondemand {
namespace {

using ::testing::HasSubstr;

/// What is wrong with it; empty: nothing.
std::string complaint(void (*change)(program&)) {
  program it{.argv = {"/bin/true"}};
  change(it);
  try {
    it.validate();
  } catch (const setup_error& error) {
    return error.what();
  }
  return {};
}

TEST(Program, OfDefaultsIsValid) {
  EXPECT_EQ(complaint([](program&) {}), "");
}

TEST(Program, NamesWhatIsWrong) {
  EXPECT_THAT(complaint([](program& it) { it.argv = {}; }), HasSubstr("is empty"));
  EXPECT_THAT(complaint([](program& it) { it.argv = {""}; }), HasSubstr("is empty"));
  EXPECT_THAT(complaint([](program& it) {
                it.argv = {"a", std::string{"b\0c", 3}};
              }),
              HasSubstr("an argument of a program holds a NUL byte"));
  EXPECT_THAT(complaint([](program& it) { it.env = {{"A=B", ""}}; }), HasSubstr("\"A=B\" is no"));
  EXPECT_THAT(complaint([](program& it) { it.umask = 01000; }), HasSubstr("umask 01000"));
  EXPECT_THAT(complaint([](program& it) { it.nice = 20; }), HasSubstr("nice 20"));
  EXPECT_THAT(complaint([](program& it) { it.standard_error.to = output_target::file; }),
              HasSubstr("standard error is to go to a file, but none is named"));
  EXPECT_THAT(complaint([](program& it) { it.standard_output.file = "x"; }),
              HasSubstr("standard output names the file \"x\", but goes to \"log\""));
}

TEST(Program, PrintsAsItWouldBeTyped) {
  EXPECT_EQ((program{.argv = {"a", "b c", "d\"e", ""}}.to_string()), R"(a "b c" "d\"e" "")");
  EXPECT_EQ(program::shell("echo hello; exit 3").to_string(), "echo hello; exit 3");
}

TEST(Program, ReadsTheNamesOfOutputs) {
  for (const auto each :
       {output_target::log, output_target::inherit, output_target::null, output_target::file})
    EXPECT_EQ(parse_output_target(to_string(each)), each);
  EXPECT_EQ(parse_output_target("nowhere"), std::nullopt);
}

}  // namespace
}  // namespace baton::ondemand

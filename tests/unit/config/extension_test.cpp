// Sections of a floor above are part of the table wherever it is looked at.
#include "config/extension.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "baton/config/change.hpp"
#include "baton/config/load.hpp"
#include "baton/config/reference.hpp"
#include "config/binding.hpp"
#include "config/fingerprint.hpp"
#include "config/reader.hpp"
#include "config/table.hpp"
#include "unit/config/verify_table.hpp"

namespace {

using namespace baton::config;
using enum change_class;
using testing::ElementsAre;
using testing::HasSubstr;

struct robot {
  std::string name = {};
  std::vector<std::string> what = {};
  text_map marks = {};
  std::optional<int> mood = {};
  std::optional<std::string> motto = {};
};
struct workshop {
  std::uint32_t benches = 2;
  std::vector<robot> robots = {};
};

void no_angry_robots(settings& read, reader& from) {
  for (const auto& each : read.parts.get<workshop>().robots)
    if (each.mood.value_or(0) < -5)
      from.complain("robots." + each.name + ".mood", "is below -5; let it rest");
    else if (each.what.empty())
      from.remark("robots." + each.name, "does nothing");
}

const extension robots{
    .fresh = [] { return std::any{workshop{}}; },
    .sections =
        [] {
          return std::vector<section>{
              grafted<workshop>(one<workshop>(
                  "workshop", "Where they stand",
                  {number<&workshop::benches>("benches", {1, 9}, runtime, "How many")})),
              grafted<workshop>(named<&workshop::robots>(
                  "robots", "Who works there",
                  {command<&robot::what>("what", critical, "What it does"),
                   secret(names<&robot::marks>("marks", runtime, "What it bears")),
                   integer<&robot::mood>("mood", -10, 10, monitoring, "How it is"),
                   text<&robot::motto>("motto", runtime, "What it says")}))};
        },
    .resolve = no_angry_robots,
    .introduction = "# Robots\n"};

sources with_robots() {
  sources from;
  from.defaults.parts.add(robots);
  return from;
}

constexpr const char* listener = "listeners: [{address: \"127.0.0.1:1\"}]\n";

settings read(const std::string& more, sources from = with_robots()) {
  return load_text(listener + more, from);
}

const robot& first(const settings& of) { return of.parts.get<workshop>().robots.at(0); }

std::string problems_of(const std::string& more) {
  try {
    static_cast<void>(read(more));
    return {};
  } catch (const config_error& error) {
    return error.what();
  }
}

TEST(Extension, IsReadLikeEveryOtherSection) {
  const auto found = read(
      "workshop: {benches: 3}\n"
      "robots: {ann: {what: [weld, 7, true], marks: {A: b, N: 1}, mood: -3, motto: \"\"}}\n");
  EXPECT_EQ(found.parts.get<workshop>().benches, 3U);
  EXPECT_EQ(first(found).name, "ann");
  EXPECT_THAT(first(found).what, ElementsAre("weld", "7", "true"));
  EXPECT_THAT(first(found).marks, ElementsAre(testing::Pair("A", "b"), testing::Pair("N", "1")));
  EXPECT_EQ(first(found).mood, -3);
  EXPECT_EQ(first(found).motto, "");
  EXPECT_THAT(first(read("robots: {ann: {what: a | b}}\n")).what,
              ElementsAre("/bin/sh", "-c", "a | b"));
}

TEST(Extension, IsBoundToWhatItDescribes) {
  const auto defaults = with_robots().defaults;
  verify(table(defaults), &defaults);
}

TEST(Extension, HearsEnvironmentAndFlags) {
  auto from = with_robots();
  from.environment = {"BATON_ROBOTS_ANN_WHAT=[a, b]", "BATON_ROBOTS_ANN_MARKS={C: d}"};
  from.overrides = {{"robots.ann.mood", "4", "--mood"}, {"workshop.benches", "5", "--benches"}};
  const auto found = read("robots: {ann: {what: x}}\n", from);
  EXPECT_THAT(first(found).what, ElementsAre("a", "b"));
  EXPECT_THAT(first(found).marks, ElementsAre(testing::Pair("C", "d")));
  EXPECT_EQ(first(found).mood, 4);
  EXPECT_EQ(found.parts.get<workshop>().benches, 5U);
}

TEST(Extension, MistakesAreToldWithLineAndSuggestion) {
  EXPECT_EQ(problems_of("robots: {ann: {waht: x}}\n"),
            "configuration:2: robots.ann.waht: there is no such key; did you mean 'what'?");
  EXPECT_EQ(problems_of("workshop: {benches: 10}\n"),
            "configuration:2: workshop.benches: '10' is out of range; allowed: 1 to 9");
  EXPECT_EQ(problems_of("robots: {ann: {mood: -11}}\n"),
            "configuration:2: robots.ann.mood: '-11' is out of range; allowed: -10 to 10");
  EXPECT_EQ(problems_of("robots: {ann: {mood: -6}}\n"),
            "configuration:2: robots.ann.mood: is below -5; let it rest");
  EXPECT_EQ(
      problems_of("robots: {ann: {what: []}}\n"),
      "configuration:2: robots.ann.what: names no program: a line for the shell, or a list of "
      "a program and its arguments is wanted");
  EXPECT_EQ(problems_of("robots: {ann: {marks: {A: [b]}}}\n"),
            "configuration:2: robots.ann.marks: 'A' is not a text");
}

TEST(Extension, RemarksAreNoMistakes) {
  auto from = with_robots();
  from.overrides = {{"listeners", "[{address: \"127.0.0.1:1\"}]", "test"},
                    {"robots", "{ann: {mood: 1}}", "test"}};
  const auto result = check(from);
  EXPECT_TRUE(result.good);
  EXPECT_THAT(result.report, HasSubstr("robots.ann: does nothing\n"));
}

TEST(Extension, IsComparedAndKnownAgain) {
  const auto before = read("robots: {ann: {what: x, marks: {A: b}}}\n");
  const auto after =
      read("workshop: {benches: 3}\nrobots: {ann: {what: x, marks: {A: c}, motto: \"\"}}\n");
  EXPECT_THAT(compare(before, after),
              ElementsAre(change{"workshop.benches", runtime, "2", "3"},
                          change{"robots.ann.marks", runtime, "{A: ********}", "{A: ********}"},
                          change{"robots.ann.motto", runtime, "", ""}));
  EXPECT_NE(fingerprint(before), fingerprint(after));
  EXPECT_EQ(fingerprint(before), fingerprint(read("robots: {ann: {what: x, marks: {A: b}}}\n")));
}

TEST(Extension, IsWrittenAsItIsRead) {
  const auto before = read("robots: {ann: {what: [a, b], mood: -1}, bob: {what: a | b}}\n");
  const auto text = to_json(before);
  EXPECT_THAT(text, HasSubstr(R"("what":["a","b"])"));
  EXPECT_THAT(text, HasSubstr(R"("what":"a | b")"));
  EXPECT_EQ(to_json(load_text(text, with_robots())), text);
  EXPECT_THAT(to_json(read("robots: {ann: {marks: {TOKEN: hunter2}}}\n")),
              testing::Not(HasSubstr("hunter2")));
}

TEST(Extension, IsInTheReference) {
  const auto defaults = with_robots().defaults;
  const auto text = documentation(defaults);
  EXPECT_THAT(text, HasSubstr("# Robots\n"));
  EXPECT_THAT(text, HasSubstr("## robots.NAME"));
  EXPECT_THAT(text, HasSubstr("## listeners[]"));
  EXPECT_THAT(json_schema(defaults), HasSubstr("\"robots\""));
  EXPECT_THAT(documentation(), testing::Not(HasSubstr("Robots")));
}

TEST(Extension, OthersDoNotKnowIt) {
  EXPECT_THROW(static_cast<void>(load_text(std::string{listener} + "robots: {}\n")), config_error);
  EXPECT_THROW(static_cast<void>(settings{}.parts.get<workshop>()), std::logic_error);
}

TEST(Extension, ACopyHasAnObjectOfItsOwn) {
  auto one = with_robots().defaults;
  const auto other = one;
  one.parts.get<workshop>().benches = 9;
  EXPECT_EQ(other.parts.get<workshop>().benches, 2U);
  one.parts.add(robots);
  EXPECT_EQ(one.parts.get<workshop>().benches, 9U) << "once is enough";
}

}  // namespace

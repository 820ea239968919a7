#include "config/document.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace {

using namespace baton::config;

node read(std::string_view text, std::vector<problem>& problems) {
  return read_document(text, std::make_shared<const std::string>("a.yaml"), problems);
}

TEST(Document, KnowsTheLineOfEachKey) {
  std::vector<problem> problems;
  const auto root = read("one: 1\ntwo:\n  three:\n    - four\n    - 'five'\n", problems);
  ASSERT_TRUE(problems.empty());
  EXPECT_EQ(root.entries.at(1).where.line, 2U);
  const auto* const list = root.find("two")->find("three");
  ASSERT_NE(list, nullptr);
  EXPECT_EQ(list->items.at(1).where.line, 5U);
  EXPECT_EQ(list->items.at(0).written, node::style::plain);
  EXPECT_EQ(list->items.at(1).written, node::style::quoted);
}

TEST(Document, AnAliasIsACopyOfWhatItStandsFor) {
  std::vector<problem> problems;
  const auto root = read("one: &x {a: [1, 2]}\ntwo: *x\n", problems);
  ASSERT_TRUE(problems.empty());
  EXPECT_EQ(root.find("two")->find("a")->items.size(), 2U);
}

TEST(Document, EmptyTextsAreEmptyMaps) {
  for (const auto* text :
       {"", "\n\n", "# nothing\n", "---\n", "---\n...\n", "~\n", "\xef\xbb\xbf"}) {
    std::vector<problem> problems;
    const auto root = read(text, problems);
    EXPECT_TRUE(problems.empty()) << text;
    EXPECT_EQ(root.kind, node::form::map) << text;
  }
}

TEST(Document, AliasesOfAliasesAreBoundedInDepthToo) {
  std::string text = "a0: &a0 [x]\n";
  for (int i = 1; i < 100; ++i)
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) +
            "]\n";
  std::vector<problem> problems;
  static_cast<void>(read(text, problems));
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_NE(problems.front().sentence.find("deep"), std::string::npos);
}

TEST(Document, LongTextsAreBoundedHoweverOftenTheyAreMeant) {
  std::string text = "a: &a \"" + std::string(100'000, 'x') + "\"\nb: [";
  for (int i = 0; i < 100; ++i) text += "*a, ";
  std::vector<problem> problems;
  static_cast<void>(read(text + "]\n", problems));
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_NE(problems.front().sentence.find("bytes of text"), std::string::npos);
}

TEST(Document, ForeignTextsAreShownEscapedAndCutShort) {
  EXPECT_EQ(baton::config::quoted("a\nb\x01\xff"), "'a\\nb\\x01\\xff'");
  EXPECT_LT(baton::config::quoted(std::string(10'000, 'x')).size(), 120U);
}

}  // namespace

// Every bad file of the corpus is refused with exactly the text beside it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "baton/config/load.hpp"

namespace {

namespace config = baton::config;
namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

/// Paths beside the files are as the tree is: the text beside them says FOLDER.
std::string without_folder(std::string text) {
  const std::string folder = CONFIG_CORPUS;
  for (auto at = text.find(folder); at != std::string::npos; at = text.find(folder, at))
    text.replace(at, folder.size(), "FOLDER");
  return text;
}

/// What is wrong with a file, with its bare name, one problem a line; empty if nothing is.
std::string complaint(const fs::path& path) {
  config::sources from;
  from.path = path.string();
  try {
    static_cast<void>(config::load(from));
    return {};
  } catch (const config::config_error& error) {
    std::string all;
    for (auto each : error.problems()) {
      if (!each.source.empty()) each.source = path.filename().string();
      all += each.to_string() + '\n';
    }
    return without_folder(std::move(all));
  }
}

std::vector<fs::path> corpus() {
  std::vector<fs::path> all;
  for (const auto& each : fs::directory_iterator{CONFIG_CORPUS})
    if (each.path().extension() == ".yaml") all.push_back(each.path());
  std::sort(all.begin(), all.end());
  return all;
}

TEST(Corpus, EveryBadFileIsRefusedWithTheTextBesideIt) {
  const bool write = std::getenv("BATON_WRITE_EXPECTED") != nullptr;
  const auto files = corpus();
  EXPECT_GE(files.size(), 60U);
  for (const auto& path : files) {
    auto beside = path;
    beside.replace_extension(".expected");
    const auto found = complaint(path);
    EXPECT_NE(found, "") << path;
    if (write) std::ofstream{beside} << found;
    EXPECT_EQ(found, text_of(beside)) << path;
  }
}

class Generated : public testing::Test {
 protected:
  static std::string complaint_of(const std::string& text) {
    try {
      static_cast<void>(config::load_text(text));
      return {};
    } catch (const config::config_error& error) {
      return error.what();
    }
  }
};

TEST_F(Generated, HugeTexts) {
  EXPECT_NE(complaint_of(std::string((1U << 20U) + 1, '#')).find("at most 1048576"),
            std::string::npos);
}

TEST_F(Generated, DeepNestingNeitherOverflowsTheStackNorTakesLong) {
  constexpr std::size_t deep = 1'000'000;
  for (const char* piece : {"[", "{", "- ", "? ", "[{", "&a [", "!x {", "a: [", "\"", "'", "| "}) {
    std::string text;
    while (text.size() < deep) text += piece;
    text.resize(deep);
    EXPECT_NE(complaint_of(text), "") << piece;
  }
}

TEST_F(Generated, ManyKeysAndManyProblems) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "key" + std::to_string(i) + ": 1\n";
  const auto found = complaint_of(text);
  EXPECT_NE(found.find("and 19900 more"), std::string::npos) << found.substr(0, 300);
}

TEST_F(Generated, FilesThatAreNone) {
  config::sources from;
  for (const auto* path : {"/", "/dev/zero", "/dev/stdin/x", "/no/such/file"}) {
    from.path = path;
    EXPECT_THROW(static_cast<void>(config::load(from)), config::config_error) << path;
  }
}

}  // namespace

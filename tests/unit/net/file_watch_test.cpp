#include "net/file_watch.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "support.hpp"

namespace baton::net {
namespace {

namespace fs = std::filesystem;
using test::run_until;

class FileWatch : public test::no_descriptor_leaks {
 protected:
  void put(const std::string& path, const std::string& text) { std::ofstream{path} << text; }
  void watch(const std::vector<std::string>& paths) { watch_since(stamps_of(paths)); }
  void watch_since(file_stamps known) {
    here.emplace(on, std::move(known), [this](const file_stamps&) { ++changes; });
  }
  bool sees(unsigned count) {
    return run_until(io, [&] { return changes >= count; }) && changes == count;
  }
  /// That nothing is seen is known once something else, which came later, is.
  void nothing_until(const std::string& path) {
    const auto before = changes;
    put(path, std::to_string(before) + "later");
    EXPECT_TRUE(sees(before + 1));
  }

  test::scratch_directory directory;
  boost::asio::io_context io{1};
  loop on{io, 0};
  unsigned changes = 0;
  std::optional<file_watch> here;
};

TEST_F(FileWatch, SeesAFileRewrittenAndReplaced) {
  const auto path = directory / "a.pem";
  put(path, "one");
  watch({path});
  put(path, "two two");
  ASSERT_TRUE(sees(1));
  put(directory / "a.new", "three");
  fs::rename(directory / "a.new", path);
  ASSERT_TRUE(sees(2));
  put(path, "four four");
  ASSERT_TRUE(sees(3)) << "the file that replaced it is watched as well";
}

TEST_F(FileWatch, SeesAFileThatComesAndGoes) {
  const auto path = directory / "a.pem";
  watch({path});
  put(path, "one");
  ASSERT_TRUE(sees(1));
  fs::remove(path);
  ASSERT_TRUE(sees(2));
}

TEST_F(FileWatch, SeesADirectoryThatComesLater) {
  const auto path = directory / "later/deep/a.pem";
  watch({path});
  fs::create_directories(directory / "later/deep");
  put(path, "one");
  ASSERT_TRUE(sees(1));
}

TEST_F(FileWatch, SeesWhatKubernetesDoes) {
  fs::create_directory(directory / "..1");
  fs::create_directory(directory / "..2");
  put(directory / "..1/tls.crt", "one");
  put(directory / "..2/tls.crt", "two");
  fs::create_symlink("..1", directory / "..data");
  fs::create_symlink("..data/tls.crt", directory / "tls.crt");
  watch({directory / "tls.crt"});
  fs::create_symlink("..2", directory / "..data_tmp");
  fs::rename(directory / "..data_tmp", directory / "..data");
  fs::remove_all(directory / "..1");
  ASSERT_TRUE(sees(1));
}

TEST_F(FileWatch, SeesWhatCertbotDoes) {
  fs::create_directories(directory / "archive");
  fs::create_directories(directory / "live");
  put(directory / "archive/chain1.pem", "one");
  put(directory / "archive/chain2.pem", "two");
  const auto link = directory / "live/chain.pem";
  fs::create_symlink("../archive/chain1.pem", link);
  watch({link});
  fs::remove(link);
  fs::create_symlink("../archive/chain2.pem", link);
  ASSERT_TRUE(sees(1));
  put(directory / "archive/chain2.pem", "two again");
  ASSERT_TRUE(sees(2)) << "written where the link leads";
}

TEST_F(FileWatch, SeesADirectoryOnTheWayFlip) {
  fs::create_directories(directory / "release1/tls");
  fs::create_directories(directory / "release2/tls");
  put(directory / "release1/tls/a.pem", "one");
  put(directory / "release2/tls/a.pem", "two");
  fs::create_directory_symlink(directory / "release1", directory / "current");
  watch({directory / "current/tls/a.pem"});
  fs::create_directory_symlink(directory / "release2", directory / "next");
  fs::rename(directory / "next", directory / "current");
  ASSERT_TRUE(sees(1));
}

TEST_F(FileWatch, ACertificateAndItsKeyAreOneChange) {
  const auto certificate = directory / "a.pem";
  const auto key = directory / "a.key";
  put(certificate, "one");
  put(key, "one");
  watch({certificate, key});
  put(certificate, "two two");
  put(key, "two two");
  ASSERT_TRUE(sees(1));
  nothing_until(key);
}

TEST_F(FileWatch, OtherFilesDoNotMatter) {
  const auto path = directory / "a.pem";
  put(path, "one");
  watch({path});
  put(directory / "b.pem", "other");
  fs::last_write_time(directory / ".", fs::file_time_type::clock::now());
  nothing_until(path);
}

TEST_F(FileWatch, WhatChangedBeforeItBeganIsSeen) {
  const auto path = directory / "a.pem";
  put(path, "one");
  auto known = stamps_of({path});
  put(path, "two two");
  watch_since(std::move(known));
  ASSERT_TRUE(sees(1));
}

TEST_F(FileWatch, AFileThatNeverRestsIsLookedAtAllTheSame) {
  const auto path = directory / "a.pem";
  put(path, "one");
  watch({path});
  std::string text;
  ASSERT_TRUE(run_until(io, [&] {
    put(path, text += "more");
    return changes != 0;
  }));
}

TEST_F(FileWatch, ALoopOfLinksIsNoEndlessOne) {
  fs::create_symlink("b", directory / "a");
  fs::create_symlink("a", directory / "b");
  watch({directory / "a"});
  fs::remove(directory / "a");
  put(directory / "a", "a file at last");
  ASSERT_TRUE(sees(1));
}

}  // namespace
}  // namespace baton::net

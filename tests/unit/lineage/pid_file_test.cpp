#include "lineage/pid_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace baton::lineage {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class PidFile : public ::testing::Test {
 protected:
  PidFile() {
    std::string name = fs::temp_directory_path() / "baton_pid_file_XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    directory_ = name;
    path_ = name + "/service.pid";
  }
  ~PidFile() override { fs::remove_all(directory_); }

  [[nodiscard]] std::string content() const {
    std::ifstream file{path_};
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  [[nodiscard]] std::ptrdiff_t files() const {
    return std::distance(fs::directory_iterator{directory_}, fs::directory_iterator{});
  }
  static std::string refusal(const pid_file& file) {
    try {
      file.check_writable();
    } catch (const setup_error& error) {
      return error.what();
    }
    return {};
  }

  fs::path directory_;
  std::string path_;
};

TEST_F(PidFile, HoldsThePidAndANewlineReadableForAll) {
  const pid_file file{path_};
  const auto mask = ::umask(077);
  file.write(86703);
  ::umask(mask);
  EXPECT_EQ(content(), "86703\n");
  EXPECT_EQ(file.read(), 86703);
  struct stat status {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0644U);
  EXPECT_EQ(files(), 1);
}

TEST_F(PidFile, IsReplacedInOneStepSoThatNoReaderSeesAPart) {
  const pid_file file{path_};
  file.write(1111111);
  std::atomic<bool> stop{false};
  std::atomic<int> torn{0};
  std::thread reader{[&] {
    while (!stop) {
      const auto text = content();
      if (text != "1111111\n" && text != "2222222\n") ++torn;
    }
  }};
  for (int round = 0; round < 500; ++round) file.write(round % 2 == 0 ? 2222222 : 1111111);
  stop = true;
  reader.join();
  EXPECT_EQ(torn, 0);
  EXPECT_EQ(files(), 1);
}

TEST_F(PidFile, IsRemovedOnlyByThePidThatItHolds) {
  const pid_file file{path_};
  file.write(200);
  EXPECT_FALSE(file.remove(100));
  EXPECT_EQ(file.read(), 200);
  EXPECT_FALSE(file.remove(200));
  EXPECT_FALSE(fs::exists(path_));
  EXPECT_FALSE(file.remove(200));
}

TEST_F(PidFile, CheckLeavesWhatIsThereUntouched) {
  const pid_file file{path_};
  file.check_writable();
  EXPECT_EQ(files(), 0);
  file.write(7);
  file.check_writable();
  EXPECT_EQ(content(), "7\n");
  EXPECT_EQ(files(), 1);
}

TEST_F(PidFile, NamesPathReasonAndRemedyWhenItCannotBeWritten) {
  const auto missing = (directory_ / "nowhere" / "service.pid").string();
  const auto text = refusal(pid_file{missing});
  EXPECT_THAT(text, HasSubstr(missing));
  EXPECT_THAT(text, HasSubstr("ENOENT"));
  EXPECT_THAT(text, HasSubstr("make its directory exist"));
  EXPECT_THROW(pid_file{missing}.write(1), setup_error);
}

TEST_F(PidFile, RefusesADirectory) {
  EXPECT_THAT(refusal(pid_file{directory_.string()}), HasSubstr("EISDIR"));
  EXPECT_THAT(refusal(pid_file{directory_.string() + "/"}), HasSubstr("not a directory"));
  EXPECT_THROW(pid_file{directory_.string()}.write(1), setup_error);
  EXPECT_EQ(files(), 0);
}

TEST_F(PidFile, ReadsNothingFromWhatIsNoPidFile) {
  const pid_file file{path_};
  EXPECT_EQ(file.read(), 0);
  for (const auto* text : {"", "\n", "pid 3\n", "12 13\n", "-5\n", "99999999999999\n"}) {
    std::ofstream{path_} << text;
    EXPECT_EQ(file.read(), 0) << text;
  }
  fs::remove(path_);
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(file.read(), 0);
}

TEST_F(PidFile, DoesNothingWithoutAPath) {
  const pid_file none;
  none.check_writable();
  none.write(1);
  EXPECT_EQ(none.read(), 0);
  EXPECT_FALSE(none.remove(1));
}

}  // namespace
}  // namespace baton::lineage

#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "baton/base/log.hpp"
#include "baton/base/unique_fd.hpp"
#include "baton/net/address.hpp"

/// What the tests of this floor share.
namespace baton::net::test {

inline std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator{"/proc/self/fd"}) {
    ++count;
  }
  return count;
}

/// Fails the test if it ends with another number of descriptors than it began with.
class no_descriptor_leaks : public ::testing::Test {
 protected:
  ~no_descriptor_leaks() override { EXPECT_EQ(open_descriptors(), before_); }

 private:
  std::size_t before_ = open_descriptors();
};

/// Runs the loop until `done()`; false if that takes longer than anything here should.
template <class Done>
bool run_until(boost::asio::io_context& context, Done done) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (!done()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    context.restart();
    context.run_one_for(std::chrono::milliseconds{100});
  }
  return true;
}

/// A blocking client.
inline unique_fd connect_to(const address& to) {
  unique_fd made{::socket(to.domain(), SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (::connect(made.get(), to.data(), to.size()) != 0) made.reset();
  return made;
}

/// Collects the log lines of one level for as long as it lives.
class log_lines {
 public:
  explicit log_lines(log_level level) {
    baton::detail::set_log(level, [this](const log_record& record) {
      const std::scoped_lock lock{mutex_};
      lines_.emplace_back(record.message);
    });
  }
  ~log_lines() { reset_logs(); }
  log_lines(const log_lines&) = delete;
  log_lines& operator=(const log_lines&) = delete;

  std::vector<std::string> get() const {
    const std::scoped_lock lock{mutex_};
    return lines_;
  }
  std::string joined() const {
    std::string all;
    for (const auto& line : get()) all += line + '\n';
    return all;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

/// A directory of the test's own.
class scratch_directory {
 public:
  scratch_directory() {
    char name[] = "/tmp/baton_net_XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~scratch_directory() { std::filesystem::remove_all(path_); }
  scratch_directory(const scratch_directory&) = delete;
  scratch_directory& operator=(const scratch_directory&) = delete;
  std::string operator/(const char* name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

/// The text of the setup_error that `call` throws; empty if it throws none.
template <class Call>
std::string setup_error_of(Call call) {
  try {
    call();
  } catch (const setup_error& error) {
    return error.what();
  }
  return {};
}

}  // namespace baton::net::test

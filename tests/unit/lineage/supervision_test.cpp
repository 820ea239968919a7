#include "lineage/supervision.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <thread>

#include "baton/base/log.hpp"
#include "baton/lineage/supervisor.hpp"
#include "lineage/channel.hpp"

namespace baton::lineage {
namespace {

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all{"/proc/self/fd"};
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

bool in_a_process_of_its_own(const std::function<bool()>& body) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(body() ? 0 : 1);
  int status = 0;
  return ::waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

class Supervision : public ::testing::Test {
 protected:
  Supervision() {
    auto ends = make_channel().value();
    ours_ = std::move(ends.first);
    theirs_.emplace(std::move(ends.second));
  }
  supervision_message receive() {
    auto message = receive_supervision(ours_.get());
    if (!message || !*message) {
      ADD_FAILURE() << "no message";
      return {};
    }
    return std::move(**message);
  }
  void expect_dropped(std::string_view text, int reason) {
    ASSERT_FALSE(send_packet(theirs_->fd(), text));
    const auto message = receive_supervision(ours_.get());
    ASSERT_FALSE(message) << text;
    EXPECT_EQ(message.error().value(), reason) << text;
  }

  unique_fd ours_;
  std::optional<supervision> theirs_;
};

TEST_F(Supervision, CarriesEachWordWithGenerationAndPid) {
  EXPECT_FALSE(theirs_->serving(3));
  EXPECT_FALSE(theirs_->upgrading(3, 4711));
  EXPECT_FALSE(theirs_->upgrade_failed(3, 0));
  EXPECT_FALSE(theirs_->leaving(3));
  for (const auto type : {supervision_type::serving, supervision_type::upgrading,
                          supervision_type::upgrade_failed, supervision_type::leaving}) {
    const auto message = receive();
    EXPECT_EQ(message.type, type);
    EXPECT_EQ(message.generation, 3U);
    EXPECT_EQ(message.pid, ::getpid());
    EXPECT_EQ(message.child, type == supervision_type::upgrading ? 4711 : 0);
  }
  EXPECT_FALSE(receive_supervision(ours_.get()).value().has_value());
}

TEST_F(Supervision, CarriesTheListenersThemselves) {
  const unique_fd null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  EXPECT_FALSE(
      theirs_->publish(1, std::array{offered_listener{"web", "127.0.0.1:80", null.get()}}));
  const auto message = receive();
  EXPECT_TRUE(message.first);
  EXPECT_TRUE(message.last);
  ASSERT_EQ(message.listeners.size(), 1U);
  EXPECT_EQ(message.listeners[0].name, "web");
  EXPECT_EQ(message.listeners[0].address, "127.0.0.1:80");
  struct stat sent {};
  struct stat got {};
  ASSERT_EQ(::fstat(null.get(), &sent), 0);
  ASSERT_EQ(::fstat(message.listeners[0].fd.get(), &got), 0);
  EXPECT_EQ(sent.st_rdev, got.st_rdev);
  EXPECT_NE(::fcntl(message.listeners[0].fd.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(Supervision, PublishesAnEmptySetToo) {
  EXPECT_FALSE(theirs_->publish(1, {}));
  const auto message = receive();
  EXPECT_TRUE(message.first && message.last);
  EXPECT_TRUE(message.listeners.empty());
}

TEST_F(Supervision, SplitsFiveThousandListenersWithLongNames) {
  const unique_fd null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  std::vector<offered_listener> many;
  for (int number = 0; number < 5'000; ++number)
    many.push_back({fmt::format("{:\"^100}", number), "127.0.0.1:80", null.get()});
  std::size_t received = 0;
  bool last = false;
  std::thread reader{[&] {
    while (!last && !wait_readable(ours_.get(), std::chrono::seconds{10})) {
      const auto message = receive();
      EXPECT_EQ(message.first, received == 0);
      EXPECT_LE(message.listeners.size(), 200U);
      for (const auto& listener : message.listeners)
        EXPECT_EQ(listener.name, many[received++].name);
      last = message.last;
    }
  }};
  EXPECT_FALSE(theirs_->publish(1, many));
  reader.join();
  EXPECT_EQ(received, many.size());
}

TEST_F(Supervision, DoesNotBlockForEverOnASupervisorThatDoesNotRead) {
  set_error_log([](std::string_view) {});
  const auto start = std::chrono::steady_clock::now();
  error_code failed;
  while (!failed) failed = theirs_->serving(1);
  EXPECT_EQ(failed.value(), ETIMEDOUT);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds{5});
  reset_logs();
}

TEST_F(Supervision, LogsASupervisorThatIsGoneAndGoesOn) {
  std::string logged;
  set_error_log([&](std::string_view line) { logged = line; });
  ours_.reset();
  EXPECT_EQ(theirs_->serving(1).value(), EPIPE);
  reset_logs();
  EXPECT_THAT(logged, ::testing::HasSubstr("could not tell the supervisor"));
}

TEST_F(Supervision, DropsWhatIsNoMessageAndLeaksNothing) {
  const auto before = open_descriptors();
  expect_dropped("no json", EBADMSG);
  expect_dropped("[]", EBADMSG);
  expect_dropped(R"({"version":2,"type":"serving","generation":1,"pid":1})", EPROTONOSUPPORT);
  expect_dropped(R"({"version":1,"type":"dancing","generation":1,"pid":1})", EBADMSG);
  expect_dropped(R"({"version":1,"type":"serving","generation":0,"pid":1})", EBADMSG);
  expect_dropped(R"({"version":1,"type":"serving","generation":1,"pid":-1})", EBADMSG);
  expect_dropped(R"({"version":1,"type":"serving","generation":1})", EBADMSG);
  expect_dropped(R"({"version":1,"type":"upgrading","generation":1,"pid":1,"child":-9})", EBADMSG);
  expect_dropped(R"({"version":1,"type":"listeners","generation":1,"pid":1,"listeners":[{}]})",
                 EBADMSG);
  const std::array descriptors{theirs_->fd(), theirs_->fd()};
  ASSERT_FALSE(send_packet(theirs_->fd(),
                           R"({"version":1,"type":"listeners","generation":1,)"
                           R"("pid":1,"listeners":[{"name":"one"}]})",
                           descriptors));
  EXPECT_FALSE(receive_supervision(ours_.get()));
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(Supervision, IsFoundInTheEnvironmentAndTakenOutOfIt) {
  EXPECT_FALSE(supervised());
  EXPECT_TRUE(in_a_process_of_its_own([&] {
    const int number = ::dup(theirs_->fd());
    ::setenv(supervisor_variable, std::to_string(number).c_str(), 1);
    if (!supervised()) return false;
    const auto found = supervision::from_environment();
    return found && found->fd() == number && (::fcntl(number, F_GETFD) & FD_CLOEXEC) != 0 &&
           std::getenv(supervisor_variable) == nullptr && supervised() &&
           !supervision::from_environment();
  }));
}

TEST_F(Supervision, IsNotTakenFromAVariableThatNamesSomethingElse) {
  for (const std::string wrong : {"", "one", "1x", "-1", "0", "987654"}) {
    EXPECT_TRUE(in_a_process_of_its_own([&] {
      set_error_log([](std::string_view) {});
      ::setenv(supervisor_variable, wrong.c_str(), 1);
      return !supervised() && !supervision::from_environment() &&
             std::getenv(supervisor_variable) == nullptr && ::fcntl(0, F_GETFD) >= 0;
    })) << wrong;
  }
}

}  // namespace
}  // namespace baton::lineage

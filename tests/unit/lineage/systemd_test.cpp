#include "lineage/systemd.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>

#include "baton/base/log.hpp"

namespace baton::lineage {
namespace {

using ::testing::IsEmpty;
using ::testing::StartsWith;

/// The service manager's end.
class manager_socket {
 public:
  explicit manager_socket(const std::string& name)
      : fd_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)} {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto size = offsetof(sockaddr_un, sun_path) + name.size() + (name[0] == '@' ? 0 : 1);
    if (::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), static_cast<socklen_t>(size)) != 0)
      std::abort();
  }
  std::string receive() const {
    pollfd item{fd_.get(), POLLIN, 0};
    if (::poll(&item, 1, 10'000) <= 0) return "nothing came";
    std::array<char, 1024> buffer{};
    const auto size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    return {buffer.data(), static_cast<std::size_t>(size)};
  }

 private:
  unique_fd fd_;
};

std::string abstract_name(std::string_view part) {
  return fmt::format("@baton_systemd_test_{}_{}", ::getpid(), part);
}

/// Runs `body` in a forked process, whose environment and descriptors are its own; it must leave
/// with 0, which `body` does by returning true.
bool in_a_process_of_its_own(const std::function<bool()>& body) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(body() ? 0 : 1);
  int status = 0;
  return ::waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::int64_t monotonic_micros() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1'000;
}

TEST(Systemd, SaysEachWordAsSdNotifyWritesIt) {
  const auto name = abstract_name("words");
  const manager_socket manager{name};
  const systemd ours{name};
  EXPECT_FALSE(ours.ready("serves"));
  EXPECT_EQ(manager.receive(), fmt::format("READY=1\nMAINPID={}\nSTATUS=serves", ::getpid()));
  EXPECT_FALSE(ours.stopping());
  EXPECT_EQ(manager.receive(), "STOPPING=1");
  EXPECT_FALSE(ours.status("two\nlines"));
  EXPECT_EQ(manager.receive(), "STATUS=two lines");
  EXPECT_FALSE(ours.main_pid(42));
  EXPECT_EQ(manager.receive(), "MAINPID=42");
  EXPECT_FALSE(ours.extend_timeout(std::chrono::seconds{3}, "loads"));
  EXPECT_EQ(manager.receive(), "EXTEND_TIMEOUT_USEC=3000000\nSTATUS=loads");
  EXPECT_FALSE(ours.ping());
  EXPECT_EQ(manager.receive(), "WATCHDOG=1");
}

TEST(Systemd, StampsAReloadWithTheMonotonicClock) {
  const auto name = abstract_name("reload");
  const manager_socket manager{name};
  const auto before = monotonic_micros();
  EXPECT_FALSE(systemd{name}.reloading());
  const auto after = monotonic_micros();
  const auto text = manager.receive();
  ASSERT_THAT(text, StartsWith("RELOADING=1\nMONOTONIC_USEC="));
  const auto stamp = std::stoll(text.substr(text.rfind('=') + 1));
  EXPECT_GE(stamp, before);
  EXPECT_LE(stamp, after);
}

TEST(Systemd, ReachesASocketWithAPath) {
  std::string directory = std::filesystem::temp_directory_path() / "baton_systemd_XXXXXX";
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  {
    const manager_socket manager{directory + "/notify"};
    EXPECT_FALSE(systemd{directory + "/notify"}.ping());
    EXPECT_EQ(manager.receive(), "WATCHDOG=1");
  }
  std::filesystem::remove_all(directory);
}

TEST(Systemd, ReturnsWhatWentWrong) {
  EXPECT_EQ(systemd{"/nonexistent/notify"}.ping().value(), ENOENT);
  EXPECT_EQ(systemd{"relative"}.ping().value(), EAFNOSUPPORT);
  EXPECT_EQ(systemd{"@"}.ping().value(), EAFNOSUPPORT);
  EXPECT_EQ(systemd{"/" + std::string(200, 'x')}.ping().value(), ENAMETOOLONG);
  EXPECT_EQ(systemd{abstract_name("nobody")}.ping().value(), ECONNREFUSED);
}

TEST(Systemd, IsSilentWithoutANotifySocket) {
  const systemd none;
  EXPECT_FALSE(none.enabled());
  EXPECT_FALSE(none.ready());
  EXPECT_THAT(none.environment(), IsEmpty());
}

TEST(Systemd, TakesItsVariablesOutOfTheEnvironment) {
  EXPECT_TRUE(in_a_process_of_its_own([] {
    ::setenv("NOTIFY_SOCKET", "@somewhere", 1);
    ::setenv("WATCHDOG_USEC", "500000", 1);
    ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
    const auto ours = systemd::from_environment();
    const std::vector<std::string> next{"NOTIFY_SOCKET=@somewhere", "WATCHDOG_USEC=500000"};
    return ours.socket() == "@somewhere" && ours.watchdog() == std::chrono::milliseconds{500} &&
           std::getenv("NOTIFY_SOCKET") == nullptr && std::getenv("WATCHDOG_USEC") == nullptr &&
           std::getenv("WATCHDOG_PID") == nullptr && ours.environment() == next;
  }));
}

TEST(Systemd, LeavesTheWatchdogToThePidThatItIsMeantFor) {
  EXPECT_TRUE(in_a_process_of_its_own([] {
    ::setenv("WATCHDOG_USEC", "500000", 1);
    ::setenv("WATCHDOG_PID", "1", 1);
    return systemd::from_environment().watchdog().count() == 0;
  }));
  for (const auto* wrong : {"", "0", "-3", "soon", "5s"}) {
    EXPECT_TRUE(in_a_process_of_its_own([&] {
      set_error_log([](std::string_view) {});
      ::setenv("WATCHDOG_USEC", wrong, 1);
      return systemd::from_environment().watchdog().count() == 0;
    })) << wrong;
  }
}

TEST(WatchdogPinger, PingsAtHalfTheIntervalAndStops) {
  const auto name = abstract_name("watchdog");
  const manager_socket manager{name};
  const systemd ours{name, std::chrono::milliseconds{20}};
  boost::asio::io_context context{1};
  watchdog_pinger pinger{context, ours};
  const auto start = std::chrono::steady_clock::now();
  pinger.start();
  for (int ping = 0; ping < 4; ++ping) context.run_one();
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds{40});
  for (int ping = 0; ping < 5; ++ping) EXPECT_EQ(manager.receive(), "WATCHDOG=1");
  pinger.stop();
  context.run();  // runs out of work
}

TEST(WatchdogPinger, DoesNothingUnlessAskedFor) {
  boost::asio::io_context context{1};
  const systemd silent{"@nobody"};
  watchdog_pinger pinger{context, silent};
  pinger.start();
  EXPECT_EQ(context.run(), 0U);
}

/// Puts `count` open descriptors from 3 on.
void open_listen_fds(int count) {
  const int source = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int high = ::fcntl(source, F_DUPFD_CLOEXEC, 100);
  for (int fd = 3; fd < 3 + count; ++fd) ::dup2(high, fd);
}

void set_listen_variables(const std::string& pid, const char* count, const char* names) {
  ::setenv("LISTEN_PID", pid.c_str(), 1);
  ::setenv("LISTEN_FDS", count, 1);
  if (names != nullptr) ::setenv("LISTEN_FDNAMES", names, 1);
}

bool listen_variables_are_gone() {
  return std::getenv("LISTEN_PID") == nullptr && std::getenv("LISTEN_FDS") == nullptr &&
         std::getenv("LISTEN_FDNAMES") == nullptr;
}

TEST(ListenFds, AreTakenByNameCloseOnExec) {
  EXPECT_TRUE(in_a_process_of_its_own([] {
    open_listen_fds(2);
    set_listen_variables(std::to_string(::getpid()), "2", "web:admin");
    const auto taken = listen_fds();
    return taken.size() == 2 && taken[0].name == "web" && taken[0].fd.get() == 3 &&
           taken[1].name == "admin" && taken[1].fd.get() == 4 &&
           (::fcntl(3, F_GETFD) & FD_CLOEXEC) != 0 && (::fcntl(4, F_GETFD) & FD_CLOEXEC) != 0 &&
           listen_variables_are_gone();
  }));
}

TEST(ListenFds, AreMatchedByAddressWhereTheNameSaysNothing) {
  EXPECT_TRUE(in_a_process_of_its_own([] {
    open_listen_fds(6);
    set_listen_variables(std::to_string(::getpid()), "6", "same:unknown:one::same");
    const auto taken = listen_fds();
    return taken.size() == 6 && taken[0].name.empty() && taken[1].name.empty() &&
           taken[2].name == "one" && taken[3].name.empty() && taken[4].name.empty() &&
           taken[5].name.empty();
  }));
}

TEST(ListenFds, OfAnotherPidAreLeftAloneAndScrubbed) {
  EXPECT_TRUE(in_a_process_of_its_own([] {
    open_listen_fds(1);
    set_listen_variables("1", "1", "web");
    return listen_fds().empty() && ::fcntl(3, F_GETFD) >= 0 && listen_variables_are_gone();
  }));
  EXPECT_TRUE(in_a_process_of_its_own([] {
    ::unsetenv("LISTEN_PID");
    return listen_fds().empty();
  }));
}

TEST(ListenFds, RefuseNonsenseBySayingWhichVariable) {
  const auto refuses = [](const std::string& pid, const char* count, std::string_view part) {
    return in_a_process_of_its_own([&] {
      set_listen_variables(pid.empty() ? std::to_string(::getpid()) : pid, count, nullptr);
      try {
        static_cast<void>(listen_fds());
      } catch (const setup_error& error) {
        return std::string_view{error.what()}.find(part) != std::string_view::npos;
      }
      return false;
    });
  };
  EXPECT_TRUE(refuses("me", "1", "LISTEN_PID=me"));
  EXPECT_TRUE(refuses("", "many", "LISTEN_FDS=many"));
  EXPECT_TRUE(refuses("", "-1", "LISTEN_FDS=-1"));
  EXPECT_TRUE(refuses("", "2147483647", "LISTEN_FDS=2147483647"));
  EXPECT_TRUE(refuses("", "900", "not open"));
}

}  // namespace
}  // namespace baton::lineage

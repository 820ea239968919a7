#include "unit/lineage/running_service.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <fstream>
#include <functional>
#include <sstream>
#include <stdexcept>
#include <utility>
#include <vector>

#include "lineage/pidfd.hpp"
#include "unit/lineage/supervised_service.hpp"

extern char** environ;

namespace baton::lineage::testing {
namespace {

using steady = std::chrono::steady_clock;
constexpr std::chrono::seconds patience{20};

[[noreturn]] void give_up(const std::string& what) {
  throw std::runtime_error{what + ": " + std::strerror(errno)};
}

bool readable(int fd, int timeout_ms) {
  pollfd item{fd, POLLIN, 0};
  return ::poll(&item, 1, timeout_ms) > 0;
}

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

unique_fd listen_on_loopback() {
  unique_fd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const auto address = loopback(0);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd.get(), 16) != 0)
    give_up("listen");
  return fd;
}

unique_fd bind_notifications(const std::string& path) {
  unique_fd fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    give_up("bind " + path);
  return fd;
}

/// For conditions that no descriptor announces.
bool eventually(const std::function<bool()>& condition) {
  for (const auto end = steady::now() + patience; steady::now() < end;) {
    if (condition()) return true;
    ::poll(nullptr, 0, 1);
  }
  return false;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> list;
  for (auto& text : strings) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

}  // namespace

running_service::running_service(const service_setup& setup) {
  std::string name = std::filesystem::temp_directory_path() / "baton_supervisor_XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) give_up("mkdtemp");
  directory_ = name;
  pid_file_ = setup.pid_file.empty() ? name + "/service.pid" : setup.pid_file;
  set_plan(setup.plan);
  start(setup);
}

running_service::~running_service() {
  ::kill(-pid_, SIGKILL);
  if (!exited_) ::waitpid(pid_, nullptr, 0);
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void running_service::start(const service_setup& setup) {
  std::vector<std::string> environment;
  for (char** item = environ; *item != nullptr; ++item) environment.emplace_back(*item);
  environment.push_back(fmt::format("{}={}", service_variable, setup.service));
  environment.push_back(fmt::format("{}={}", plan_variable, (directory_ / "plan").string()));
  environment.push_back(fmt::format("{}={}", pid_file_variable, pid_file_));
  environment.push_back(fmt::format("{}={}", backoff_variable, setup.backoff_ms));
  if (setup.notify) {
    const auto path = (directory_ / "notify").string();
    notifications_ = bind_notifications(path);
    environment.push_back("NOTIFY_SOCKET=" + path);
  }
  if (setup.watchdog_us > 0)
    environment.push_back(fmt::format("WATCHDOG_USEC={}", setup.watchdog_us));

  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) give_up("pipe2");
  output_.reset(ends[0]);
  const unique_fd written{ends[1]};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, written.get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, written.get(), STDERR_FILENO);
  unique_fd high;
  if (setup.listen_fds) {
    offered_ = listen_on_loopback();
    high = offered_.duplicate();
    ::posix_spawn_file_actions_adddup2(&actions, high.get(), 3);
    environment.insert(environment.end(), {"LISTEN_FDS=1", "LISTEN_FDNAMES=web"});
  }
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  std::vector<std::string> arguments{std::filesystem::read_symlink("/proc/self/exe").string()};
  const int error = ::posix_spawn(&pid_, arguments[0].c_str(), &actions, &attributes,
                                  pointers(arguments).data(), pointers(environment).data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) throw std::runtime_error{"posix_spawn"};
  pidfd_ = open_pidfd(pid_);
}

int running_service::listen_port() const {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (::getsockname(offered_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    give_up("getsockname");
  return ntohs(address.sin_port);
}

void running_service::set_plan(std::string_view words) const {
  std::ofstream{directory_ / "plan.new"} << words << '\n';
  std::filesystem::rename(directory_ / "plan.new", directory_ / "plan");
}

void running_service::signal(int number) const { ::kill(pid_, number); }

bool running_service::read_more(int timeout_ms) {
  if (!readable(output_.get(), timeout_ms)) return false;
  std::array<char, 4096> buffer{};
  const auto size = ::read(output_.get(), buffer.data(), buffer.size());
  if (size <= 0) return false;
  const std::string_view text{buffer.data(), static_cast<std::size_t>(size)};
  all_output_ += text;
  for (const char c : text) {
    if (c != '\n') {
      partial_ += c;
    } else {
      lines_.push_back(std::exchange(partial_, {}));
    }
  }
  return true;
}

std::string running_service::await_line(std::string_view part) {
  for (const auto end = steady::now() + patience; steady::now() < end;) {
    const auto at = std::ranges::find_if(
        lines_, [&](const auto& line) { return line.find(part) != std::string::npos; });
    if (at != lines_.end()) {
      auto line = std::move(*at);
      lines_.erase(at);
      return line;
    }
    if (!read_more(1000) && everything_ended()) break;
  }
  ADD_FAILURE() << "no line with \"" << part << "\" came:\n" << all_output_;
  return {};
}

told running_service::await_event(std::string_view what, std::uint32_t generation) {
  std::istringstream line{await_line(fmt::format("event {} {} ", what, generation))};
  told heard;
  std::string word;
  line >> word >> word >> heard.generation >> heard.pid >> heard.port >> word >> heard.other_port;
  heard.inherited = word == "inherited";
  return heard;
}

std::size_t running_service::lines_with(std::string_view part) {
  while (read_more(0)) {
  }
  return static_cast<std::size_t>(std::ranges::count_if(
      lines_, [&](const auto& line) { return line.find(part) != std::string::npos; }));
}

std::string running_service::await_notification() {
  if (!readable(notifications_.get(), 20'000)) {
    ADD_FAILURE() << "systemd was told nothing more:\n" << all_output_;
    return {};
  }
  std::array<char, 4096> buffer{};
  const auto size = ::recv(notifications_.get(), buffer.data(), buffer.size(), 0);
  return {buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0U};
}

int running_service::await_exit() {
  if (!readable(pidfd_.get(), 20'000)) {
    while (read_more(0)) {
    }
    ADD_FAILURE() << "the supervisor did not end:\n" << all_output_;
    return -1;
  }
  int status = 0;
  if (::waitpid(pid_, &status, 0) != pid_) give_up("waitpid");
  exited_ = true;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool running_service::has_exited() const { return readable(pidfd_.get(), 0); }

bool running_service::everything_ended() {
  while (read_more(0)) {
  }
  pollfd item{output_.get(), POLLIN, 0};
  return ::poll(&item, 1, 0) > 0 && (item.revents & POLLIN) == 0;
}

std::size_t running_service::descriptor_count() const {
  const std::filesystem::directory_iterator all{fmt::format("/proc/{}/fd", pid_)};
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

bool running_service::await_descriptors_at_most(std::size_t most) const {
  return eventually([&] { return descriptor_count() <= most; });
}

unique_fd running_service::connect(int port) const {
  unique_fd client{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const auto address = loopback(port);
  if (::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    client.reset();
  return client;
}

bool running_service::await_refused(int port) const {
  return eventually([&] { return !connect(port).valid(); });
}

std::string running_service::read_all(const unique_fd& client) {
  std::string text;
  std::array<char, 256> buffer{};
  while (readable(client.get(), 20'000)) {
    const auto size = ::read(client.get(), buffer.data(), buffer.size());
    if (size <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  return text;
}

bool running_service::await_gone(pid_t pid) {
  return eventually([&] { return ::kill(pid, 0) != 0 && errno == ESRCH; });
}

}  // namespace baton::lineage::testing

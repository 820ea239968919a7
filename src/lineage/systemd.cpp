#include "lineage/systemd.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "baton/base/log.hpp"

namespace baton::lineage {
namespace {

/// Where sd_listen_fds(3) starts to count.
constexpr int first_listen_fd = 3;

/// The variable's value, which is removed from the environment.
std::optional<std::string> take_variable(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  if (value == nullptr) return std::nullopt;
  std::string copy{value};
  ::unsetenv(name);  // NOLINT(concurrency-mt-unsafe)
  return copy;
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) noexcept {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

error_code make_address(const std::string& socket, sockaddr_un& address, socklen_t& size) {
  address = {};
  address.sun_family = AF_UNIX;
  if (socket.size() < 2 || (socket[0] != '/' && socket[0] != '@'))
    return {EAFNOSUPPORT, boost::system::system_category()};
  if (socket.size() >= sizeof(address.sun_path))
    return {ENAMETOOLONG, boost::system::system_category()};
  std::memcpy(address.sun_path, socket.data(), socket.size());
  if (socket[0] == '@') address.sun_path[0] = '\0';
  // An abstract name has no terminating NUL; a path's is counted by convention.
  const auto terminator = socket[0] == '@' ? 0U : 1U;
  size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket.size() + terminator);
  return {};
}

/// A status line has no line break of its own: it would begin another assignment.
std::string with_status(std::string state, std::string_view status) {
  if (status.empty()) return state;
  state += state.empty() ? "STATUS=" : "\nSTATUS=";
  for (const char c : status) state += c == '\n' ? ' ' : c;
  return state;
}

std::vector<std::string> split_names(std::string_view names) {
  std::vector<std::string> parts;
  for (;;) {
    const auto colon = names.find(':');
    parts.emplace_back(names.substr(0, colon));
    if (colon == std::string_view::npos) return parts;
    names.remove_prefix(colon + 1);
  }
}

[[noreturn]] void refuse(std::string_view variable, std::string_view value, std::string_view why) {
  throw setup_error{fmt::format(
      "{}={} of the environment {}; start the service through systemd or unset LISTEN_PID",
      variable, value, why)};
}

/// A name that several descriptors share, or that the manager made up, identifies none of them.
void blank_ambiguous_names(std::vector<inherited_listener>& listeners) {
  std::vector<std::string> names;
  names.reserve(listeners.size());
  for (const auto& listener : listeners) names.push_back(listener.name);
  for (auto& listener : listeners) {
    if (listener.name == "unknown" || std::ranges::count(names, listener.name) > 1)
      listener.name.clear();
  }
}

}  // namespace

systemd systemd::from_environment() {
  auto socket = take_variable("NOTIFY_SOCKET");
  const auto interval = take_variable("WATCHDOG_USEC");
  const auto watched = take_variable("WATCHDOG_PID");
  std::chrono::microseconds watchdog{0};
  if (interval && (!watched || parse_number<pid_t>(*watched) == ::getpid())) {
    if (const auto number = parse_number<std::int64_t>(*interval); number && *number > 0) {
      watchdog = std::chrono::microseconds{*number};
    } else {
      log_error(fmt::format("WATCHDOG_USEC={} is no positive number; no watchdog pings are sent",
                            *interval));
    }
  }
  return systemd{std::move(socket).value_or(""), watchdog};
}

std::vector<std::string> systemd::environment() const {
  std::vector<std::string> variables;
  if (!socket_.empty()) variables.push_back("NOTIFY_SOCKET=" + socket_);
  if (watchdog_.count() > 0)
    variables.push_back(fmt::format("WATCHDOG_USEC={}", watchdog_.count()));
  return variables;
}

error_code systemd::ready(std::string_view status) const {
  return send(with_status(fmt::format("READY=1\nMAINPID={}", ::getpid()), status));
}

error_code systemd::reloading(std::string_view status) const {
  timespec now{};
  if (::clock_gettime(CLOCK_MONOTONIC, &now) != 0) return last_system_error();
  const auto micros = static_cast<std::int64_t>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1'000;
  return send(with_status(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", micros), status));
}

error_code systemd::stopping(std::string_view status) const {
  return send(with_status("STOPPING=1", status));
}

error_code systemd::status(std::string_view text) const { return send(with_status("", text)); }

error_code systemd::main_pid(pid_t pid) const { return send(fmt::format("MAINPID={}", pid)); }

error_code systemd::extend_timeout(std::chrono::microseconds by, std::string_view status) const {
  return send(with_status(fmt::format("EXTEND_TIMEOUT_USEC={}", by.count()), status));
}

error_code systemd::ping() const { return send("WATCHDOG=1"); }

error_code systemd::send(std::string_view state) const {
  if (!enabled()) return {};
  sockaddr_un address;
  socklen_t size = 0;
  if (const auto failed = make_address(socket_, address, size)) return failed;
  const unique_fd channel{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!channel) return last_system_error();
  const auto sent = ::sendto(channel.get(), state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                             reinterpret_cast<const sockaddr*>(&address), size);
  return sent < 0 ? last_system_error() : error_code{};
}

void log_systemd_failure(error_code error, std::string_view what) {
  if (!error) return;
  log_error(
      fmt::format("could not tell systemd {}: {}; check that NOTIFY_SOCKET is reachable and "
                  "NotifyAccess=all (or main) is set",
                  what, describe_errno(error.value())));
}

void watchdog_pinger::start() {
  if (manager_.enabled() && manager_.watchdog().count() > 0) ping();
}

void watchdog_pinger::stop() noexcept { timer_.cancel(); }

void watchdog_pinger::ping() {
  const auto failed = manager_.ping();
  // Once, not at every interval.
  if (failed && !failed_) log_systemd_failure(failed, "WATCHDOG=1");
  failed_ = static_cast<bool>(failed);
  timer_.expires_after(manager_.watchdog() / 2);
  timer_.async_wait([this](error_code stopped) {
    if (!stopped) ping();
  });
}

std::vector<inherited_listener> listen_fds() {
  const auto pid = take_variable("LISTEN_PID");
  const auto count = take_variable("LISTEN_FDS");
  const auto names = take_variable("LISTEN_FDNAMES");
  if (!pid || !count) return {};
  const auto target = parse_number<pid_t>(*pid);
  if (!target) refuse("LISTEN_PID", *pid, "is no process id");
  if (*target != ::getpid()) return {};
  const auto number = parse_number<int>(*count);
  if (!number || *number < 0 || *number > INT_MAX - first_listen_fd)
    refuse("LISTEN_FDS", *count, "is no count of descriptors");

  const auto parts = names ? split_names(*names) : std::vector<std::string>{};
  std::vector<inherited_listener> listeners;
  for (int index = 0; index < *number; ++index) {
    const int fd = first_listen_fd + index;
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
      refuse("LISTEN_FDS", *count, fmt::format("promises descriptor {}, which is not open", fd));
    const auto at = static_cast<std::size_t>(index);
    listeners.push_back({at < parts.size() ? parts[at] : "", "", unique_fd{fd}});
  }
  blank_ambiguous_names(listeners);
  return listeners;
}

}  // namespace baton::lineage

#include "lineage/origin.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

extern char** environ;

namespace baton::lineage {
namespace {

constexpr std::array<std::string_view, 8> private_variables{
    "LISTEN_PID",   "LISTEN_FDS",    "LISTEN_FDNAMES", "NOTIFY_SOCKET",
    "WATCHDOG_PID", "WATCHDOG_USEC", "BATON_HANDOFF",  "BATON_SUPERVISOR"};
/// Of these a next generation gets its own, or needs none.
constexpr std::array<std::string_view, 6> dropped_variables{"LISTEN_PID",     "LISTEN_FDS",
                                                            "LISTEN_FDNAMES", "WATCHDOG_PID",
                                                            "BATON_HANDOFF",  "BATON_SUPERVISOR"};

bool is_variable(std::string_view entry, std::string_view name) noexcept {
  return entry.size() > name.size() && entry[name.size()] == '=' && entry.starts_with(name);
}

bool same_file(const std::string& one, const std::string& other) noexcept {
  struct stat a {};
  struct stat b {};
  return ::stat(one.c_str(), &a) == 0 && ::stat(other.c_str(), &b) == 0 && a.st_dev == b.st_dev &&
         a.st_ino == b.st_ino;
}

std::vector<std::string> read_arguments() {
  std::ifstream file{"/proc/self/cmdline", std::ios::binary};
  std::vector<std::string> arguments;
  for (std::string argument; std::getline(file, argument, '\0');)
    arguments.push_back(std::move(argument));
  return arguments;
}

std::vector<std::string> read_environment() {
  std::vector<std::string> environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
    environment.emplace_back(*entry);
  return environment;
}

/// A release directory is often a symlink that flips: the path with the symlink in it, which the
/// shell keeps in PWD, leads to the new release, getcwd(3) to the old one.
std::string find_directory(std::string_view logical) {
  std::string path{logical};
  if (path.starts_with('/') && same_file(path, "/proc/self/cwd")) return path;
  std::error_code ignored;
  const auto physical = std::filesystem::current_path(ignored);
  return ignored ? std::string{} : physical.string();
}

std::optional<std::string> search_path(std::string_view name, std::string_view path,
                                       const std::string& directory) {
  while (!path.empty()) {
    const auto colon = path.find(':');
    const auto folder = path.substr(0, colon);
    path = colon == std::string_view::npos ? std::string_view{} : path.substr(colon + 1);
    auto candidate = (std::filesystem::path{directory} / folder / name).string();
    if (same_file(candidate, "/proc/self/exe")) return candidate;
  }
  return std::nullopt;
}

/// The path by which this program was started. Symlinks stay in it, so that a flipped one leads to
/// the new program; the kernel's answer is used only if argv[0] is not the truth.
std::string find_executable(const process_origin& from) {
  const std::string name = from.arguments.empty() ? std::string{} : from.arguments.front();
  if (name.find('/') != std::string::npos) {
    auto path = (std::filesystem::path{from.directory} / name).string();
    if (same_file(path, "/proc/self/exe")) return path;
  } else if (!name.empty()) {
    if (auto found = search_path(name, from.variable("PATH"), from.directory)) return *found;
  }
  std::array<char, PATH_MAX> buffer{};
  const auto length = ::readlink("/proc/self/exe", buffer.data(), buffer.size());
  return length > 0 ? std::string{buffer.data(), static_cast<std::size_t>(length)} : std::string{};
}

sigset_t find_ignored() noexcept {
  sigset_t set;
  ::sigemptyset(&set);
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction action {};
    if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN)
      ::sigaddset(&set, signal);
  }
  return set;
}

process_origin capture() {
  process_origin from{};
  from.arguments = read_arguments();
  from.environment = read_environment();
  from.directory = find_directory(from.variable("PWD"));
  from.executable = find_executable(from);
  from.ignored = find_ignored();
  return from;
}

}  // namespace

std::string_view process_origin::variable(std::string_view name) const noexcept {
  for (const auto& entry : environment)
    if (is_variable(entry, name)) return std::string_view{entry}.substr(name.size() + 1);
  return {};
}

const process_origin& origin() {
  static const process_origin captured = capture();
  return captured;
}

void scrub_environment() {
  static_cast<void>(origin());
  for (const auto name : private_variables)
    ::unsetenv(std::string{name}.c_str());  // NOLINT(concurrency-mt-unsafe)
}

std::vector<std::string> next_environment() {
  auto environment = origin().environment;
  std::erase_if(environment, [](const std::string& entry) {
    for (const auto name : dropped_variables)
      if (is_variable(entry, name)) return true;
    return false;
  });
  return environment;
}

}  // namespace baton::lineage

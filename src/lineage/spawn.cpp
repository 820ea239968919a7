#include "lineage/spawn.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/throw_exception.hpp>
#include <cerrno>
#include <utility>

#include "baton/base/log.hpp"
#include "baton/lineage/upgrade_error.hpp"
#include "lineage/early_signals.hpp"
#include "lineage/origin.hpp"
#include "lineage/pidfd.hpp"

namespace baton::lineage {
namespace {

constexpr int first_handed = 3;

failure spawn_failure(int error_number, std::string_view what) {
  return {upgrade_error::spawn_failed, fmt::format("{}: {}", what, describe_errno(error_number))};
}

int check_executable(const std::string& path) noexcept {
  struct stat information {};
  if (::stat(path.c_str(), &information) != 0) return errno;
  if (!S_ISREG(information.st_mode)) return EACCES;
  return ::access(path.c_str(), X_OK) == 0 ? 0 : errno;
}

/// A working directory that was deleted is no reason not to start.
std::string start_directory() {
  const auto& directory = origin().directory;
  struct stat information {};
  if (!directory.empty() && ::stat(directory.c_str(), &information) == 0 &&
      S_ISDIR(information.st_mode))
    return directory;
  log_notice(fmt::format("the working directory \"{}\" of the start is gone; the new process "
                         "starts in this process's working directory",
                         directory),
             {{"directory", directory}});
  return {};
}

std::vector<std::string> make_environment(const spawn_request& request) {
  auto environment = next_environment();
  int number = first_handed;
  for (const auto& descriptor : request.descriptors)
    environment.push_back(fmt::format("{}={}", descriptor.variable, number++));
  return environment;
}

std::vector<std::string> make_arguments(const spawn_request& request) {
  if (request.executable.empty()) return origin().arguments;
  std::vector<std::string> arguments{request.executable};
  arguments.insert(arguments.end(), request.arguments.begin(), request.arguments.end());
  return arguments;
}

outcome<spawned> watch(pid_t pid) {
  spawned made{pid, open_pidfd(pid)};
  if (made.pidfd) return made;
  const int error = errno;
  // A child that cannot be watched must not live on.
  ::kill(pid, SIGKILL);
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return spawn_failure(error, fmt::format("pidfd_open of the new process (pid {})", pid));
}

}  // namespace

void throw_exception_from_error(const failure& error, const boost::source_location& where) {
  boost::throw_exception(boost::system::system_error{error.code, error.why}, where);
}

outcome<spawned> run(launch_plan& plan) {
  const auto pid = launch(plan);
  if (!pid) return failure{upgrade_error::spawn_failed, pid.error().describe(plan)};
  return watch(*pid);
}

prepared_spawn::prepared_spawn(launch_plan plan) noexcept : plan_{std::move(plan)} {}

outcome<spawned> prepared_spawn::run() { return lineage::run(plan_); }

outcome<prepared_spawn> prepare_spawn(const spawn_request& request) {
  launch_plan plan;
  plan.paths = {request.executable.empty() ? origin().executable : request.executable};
  if (const int error = check_executable(plan.paths.front()))
    return failure{upgrade_error::executable_missing,
                   fmt::format("the program \"{}\" cannot be executed: {}", plan.paths.front(),
                               describe_errno(error))};
  // Above all targets, so that none overwrites a source that is still needed.
  const int lowest = std::max(10, first_handed + static_cast<int>(request.descriptors.size()));
  int target = first_handed;
  for (const auto& descriptor : request.descriptors) {
    unique_fd copy{::fcntl(descriptor.fd, F_DUPFD_CLOEXEC, lowest)};
    if (!copy)
      return spawn_failure(errno, fmt::format("duplicating descriptor {} for {}", descriptor.fd,
                                              descriptor.variable));
    plan.descriptors.push_back({std::move(copy), target++});
  }
  plan.directory = start_directory();
  // Signals of an early life wait, and none is ignored that was not ignored from the start.
  plan.blocked = early_signals();
  plan.ignored = origin().ignored;
  plan.arguments = make_arguments(request);
  plan.environment = make_environment(request);
  return prepared_spawn{std::move(plan)};
}

outcome<spawned> spawn(const spawn_request& request) {
  auto prepared = prepare_spawn(request);
  if (!prepared) return prepared.error();
  return prepared->run();
}

}  // namespace baton::lineage

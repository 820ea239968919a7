#include "lineage/spawn.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/throw_exception.hpp>
#include <cerrno>
#include <memory>
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

/// posix_spawn's two structures, released whatever happens.
class spawn_plan {
 public:
  spawn_plan() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
  }
  ~spawn_plan() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  spawn_plan(const spawn_plan&) = delete;
  spawn_plan& operator=(const spawn_plan&) = delete;

  posix_spawn_file_actions_t* actions() noexcept { return &actions_; }
  posix_spawnattr_t* attributes() noexcept { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

int check_executable(const std::string& path) noexcept {
  struct stat information {};
  if (::stat(path.c_str(), &information) != 0) return errno;
  if (!S_ISREG(information.st_mode)) return EACCES;
  return ::access(path.c_str(), X_OK) == 0 ? 0 : errno;
}

/// Signals: those of an early life wait, and none is ignored that was not ignored from the start.
int set_signals(spawn_plan& plan) {
  const auto blocked = early_signals();
  sigset_t defaults;
  ::sigfillset(&defaults);
  for (int signal = 1; signal < NSIG; ++signal)
    if (::sigismember(&origin().ignored, signal) == 1) ::sigdelset(&defaults, signal);
  if (const int error = ::posix_spawnattr_setsigmask(plan.attributes(), &blocked)) return error;
  if (const int error = ::posix_spawnattr_setsigdefault(plan.attributes(), &defaults)) return error;
  return ::posix_spawnattr_setflags(plan.attributes(),
                                    POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

/// The descriptors 3, 4, ... in the child, and nothing behind them. `from` are all 10 or above, so
/// that no dup2 overwrites a source that is still needed, and each loses its close-on-exec.
int set_descriptors(spawn_plan& plan, const std::vector<unique_fd>& from) {
  int target = first_handed;
  for (const auto& fd : from)
    if (const int error = ::posix_spawn_file_actions_adddup2(plan.actions(), fd.get(), target++))
      return error;
  return ::posix_spawn_file_actions_addclosefrom_np(plan.actions(), target);
}

/// A working directory that was deleted is no reason not to start.
int set_directory(spawn_plan& plan) {
  const auto& directory = origin().directory;
  struct stat information {};
  if (!directory.empty() && ::stat(directory.c_str(), &information) == 0 &&
      S_ISDIR(information.st_mode))
    return ::posix_spawn_file_actions_addchdir_np(plan.actions(), directory.c_str());
  log_notice(fmt::format("the working directory \"{}\" of the start is gone; the new process "
                         "starts in this process's working directory",
                         directory),
             {{"directory", directory}});
  return 0;
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

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (auto& entry : strings) result.push_back(entry.data());
  result.push_back(nullptr);
  return result;
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

struct prepared_spawn::parts {
  std::string path;
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
  std::vector<unique_fd> sources;
  spawn_plan plan;
};

prepared_spawn::prepared_spawn(std::unique_ptr<parts> from) noexcept : parts_{std::move(from)} {}
prepared_spawn::prepared_spawn(prepared_spawn&&) noexcept = default;
prepared_spawn& prepared_spawn::operator=(prepared_spawn&&) noexcept = default;
prepared_spawn::~prepared_spawn() = default;

outcome<spawned> prepared_spawn::run() {
  pid_t pid = -1;
  auto& [path, arguments, environment, sources, plan] = *parts_;
  const int error = ::posix_spawn(&pid, path.c_str(), plan.actions(), plan.attributes(),
                                  pointers(arguments).data(), pointers(environment).data());
  if (error != 0) return spawn_failure(error, fmt::format("posix_spawn of \"{}\"", path));
  return watch(pid);
}

outcome<prepared_spawn> prepare_spawn(const spawn_request& request) {
  auto made = std::make_unique<prepared_spawn::parts>();
  made->path = request.executable.empty() ? origin().executable : request.executable;
  if (const int error = check_executable(made->path))
    return failure{upgrade_error::executable_missing,
                   fmt::format("the program \"{}\" cannot be executed: {}", made->path,
                               describe_errno(error))};
  for (const auto& descriptor : request.descriptors) {
    made->sources.emplace_back(::fcntl(descriptor.fd, F_DUPFD_CLOEXEC, 10));
    if (!made->sources.back())
      return spawn_failure(errno, fmt::format("duplicating descriptor {} for {}", descriptor.fd,
                                              descriptor.variable));
  }
  int error = set_directory(made->plan);
  if (error == 0) error = set_descriptors(made->plan, made->sources);
  if (error == 0) error = set_signals(made->plan);
  if (error != 0) return spawn_failure(error, "preparing posix_spawn");
  made->arguments = make_arguments(request);
  made->environment = make_environment(request);
  return prepared_spawn{std::move(made)};
}

outcome<spawned> spawn(const spawn_request& request) {
  auto prepared = prepare_spawn(request);
  if (!prepared) return prepared.error();
  return prepared->run();
}

}  // namespace baton::lineage

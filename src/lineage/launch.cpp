#include "lineage/launch.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/throw_exception.hpp>
#include <cerrno>
#include <cstring>
#include <memory>

#include "baton/base/error.hpp"

#ifdef __SANITIZE_THREAD__
// ThreadSanitizer takes clone(2) for a fork and goes on as in a new process, in memory that is
// ours.
extern "C" int __clone(int (*)(void*), void*, int, void*,
                       ...);  // NOLINT(bugprone-reserved-identifier)
#define clone __clone
#endif

namespace baton::lineage {
namespace {

constexpr std::size_t stack_size = std::size_t{64} * 1024;
/// What the kernel has for a signal set.
constexpr std::size_t kernel_set_size = 8;
constexpr std::size_t pid_digits = 20;

/// The plan as the new process may read it: pointers and numbers.
struct image {
  char* const* paths;
  char* const* arguments;
  char* const* environment;
  const placed_descriptor* descriptors;
  std::size_t descriptor_count;
  const int* sources;
  const char* directory;
  bool own_session;
  const mode_t* umask;
  const int* nice;
  const resource_limit* limits;
  std::size_t limit_count;
  bool change_credentials;
  uid_t user;
  gid_t group;
  const gid_t* groups;
  std::size_t group_count;
  const sigset_t* blocked;
  const sigset_t* ignored;
  char* pid_text;
  rlim_t descriptor_limit;
  /// The only thing that it writes for us; no failure if the error number is 0.
  launch_failure failure;
};

// From here to run_image: the new process, in our memory, on a stack of its own. System calls by
// number only: the library's functions may take locks, tell other threads (setuid does), or be
// replaced by a sanitizer's; and nothing here may be instrumented.
#define BATON_BARE __attribute__((no_sanitize("address", "thread", "undefined")))

BATON_BARE bool fail(image& of, launch_step step, std::size_t index = 0) noexcept {
  of.failure.error_number = errno;
  of.failure.step = step;
  of.failure.index = index;
  return false;
}

BATON_BARE void close_between(unsigned first, unsigned last, rlim_t limit) noexcept {
  if (first > last || ::syscall(SYS_close_range, first, last, 0U) == 0) return;
  // Before Linux 5.9.
  for (unsigned fd = first; fd <= last && fd < limit; ++fd) ::syscall(SYS_close, fd);
}

BATON_BARE bool place_descriptors(image& of) noexcept {
  unsigned next = 3;
  for (std::size_t i = 0; i < of.descriptor_count; ++i) {
    const int target = of.descriptors[i].target;
    if (::syscall(SYS_dup3, of.sources[i], target, 0) < 0)
      return fail(of, launch_step::descriptors, i);
    if (target < 3) continue;
    close_between(next, static_cast<unsigned>(target) - 1, of.descriptor_limit);
    next = static_cast<unsigned>(target) + 1;
  }
  close_between(next, ~0U, of.descriptor_limit);
  return true;
}

BATON_BARE bool set_attributes(image& of) noexcept {
  if (of.umask != nullptr) ::syscall(SYS_umask, *of.umask);
  if (of.nice != nullptr && ::syscall(SYS_setpriority, PRIO_PROCESS, 0, *of.nice) != 0)
    return fail(of, launch_step::nice);
  for (std::size_t i = 0; i < of.limit_count; ++i) {
    const std::uint64_t both[2] = {of.limits[i].value, of.limits[i].value};
    if (::syscall(SYS_prlimit64, 0, of.limits[i].resource, both, nullptr) != 0)
      return fail(of, launch_step::limits, i);
  }
  return true;
}

BATON_BARE bool change_credentials(image& of) noexcept {
  if (!of.change_credentials) return true;
  if (::syscall(SYS_setgroups, of.group_count, of.groups) != 0)
    return fail(of, launch_step::groups);
  if (::syscall(SYS_setresgid, of.group, of.group, of.group) != 0)
    return fail(of, launch_step::group);
  if (::syscall(SYS_setresuid, of.user, of.user, of.user) != 0) return fail(of, launch_step::user);
  return true;
}

BATON_BARE bool set_signals(image& of) noexcept {
  // More than any layout of the kernel's structure has; all zero is the default action.
  const unsigned long defaults[8] = {};
  for (int signal = 1; signal < NSIG; ++signal) {
    if (signal == SIGKILL || signal == SIGSTOP) continue;
    const auto* words = reinterpret_cast<const unsigned long*>(of.ignored);
    if ((words[0] >> (signal - 1)) & 1UL) {
      unsigned long now[8] = {};
      ::syscall(SYS_rt_sigaction, signal, nullptr, now, kernel_set_size);
      if (now[0] == reinterpret_cast<unsigned long>(SIG_IGN)) continue;
    }
    ::syscall(SYS_rt_sigaction, signal, defaults, nullptr, kernel_set_size);
  }
  if (::syscall(SYS_rt_sigprocmask, SIG_SETMASK, of.blocked, nullptr, kernel_set_size) != 0)
    return fail(of, launch_step::signals);
  return true;
}

BATON_BARE void write_pid(char* to) noexcept {
  auto number = static_cast<unsigned long>(::syscall(SYS_getpid));
  char digits[pid_digits];
  std::size_t count = 0;
  for (; number > 0; number /= 10) digits[count++] = static_cast<char>('0' + number % 10);
  while (count > 0) *to++ = digits[--count];
  *to = '\0';
}

/// As execvp(3): what is not there is passed over, and what may not be executed is told only if
/// nothing else is there.
BATON_BARE bool execute(image& of) noexcept {
  int refused = 0;
  int error = ENOENT;
  for (char* const* path = of.paths; *path != nullptr; ++path) {
    ::syscall(SYS_execve, *path, of.arguments, of.environment);
    error = errno;
    if (error == EACCES) refused = error;
    if (error != EACCES && error != ENOENT && error != ENOTDIR) break;
    if (refused != 0) error = refused;
  }
  errno = error;
  return fail(of, launch_step::execute);
}

BATON_BARE bool enter(image& of) noexcept {
  if (of.own_session && ::syscall(SYS_setsid) < 0) return fail(of, launch_step::session);
  if (!place_descriptors(of) || !set_attributes(of) || !change_credentials(of)) return false;
  if (of.directory != nullptr && ::syscall(SYS_chdir, of.directory) != 0)
    return fail(of, launch_step::directory);
  if (of.pid_text != nullptr) write_pid(of.pid_text);
  return set_signals(of) && execute(of);
}

BATON_BARE int run_image(void* argument) noexcept {
  enter(*static_cast<image*>(argument));
  return 127;
}

#undef BATON_BARE

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (auto& entry : strings) result.push_back(entry.data());
  result.push_back(nullptr);
  return result;
}

/// No signal may run a handler of ours in the new process.
class all_signals_blocked {
 public:
  all_signals_blocked() noexcept {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~all_signals_blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  all_signals_blocked(const all_signals_blocked&) = delete;
  all_signals_blocked& operator=(const all_signals_blocked&) = delete;

 private:
  sigset_t before_{};
};

rlim_t descriptor_limit() noexcept {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 1024;
}

std::string_view name_of(int resource) noexcept {
  switch (resource) {
    case RLIMIT_NOFILE:
      return "open files";
    case RLIMIT_AS:
      return "memory";
    case RLIMIT_NPROC:
      return "processes";
    case RLIMIT_CORE:
      return "core";
    case RLIMIT_CPU:
      return "CPU seconds";
    default:
      return "resource";
  }
}

std::string describe_execution(const launch_plan& plan, int error_number) {
  const std::string name = plan.paths.size() == 1
                               ? plan.paths.front()
                               : plan.paths.front().substr(plan.paths.front().rfind('/') + 1);
  const auto where = plan.paths.size() == 1 ? "" : " (searched for in PATH)";
  std::string_view remedy;
  if (error_number == ENOENT)
    remedy =
        "; no such program, or the interpreter that its first line names is missing: check the "
        "path";
  if (error_number == EACCES) remedy = "; is it a file that this user may execute?";
  if (error_number == ENOEXEC) remedy = "; a script needs a first line such as #!/bin/sh";
  if (error_number == EAGAIN) remedy = "; the user's limit of processes is reached (RLIMIT_NPROC)";
  return fmt::format("cannot execute \"{}\"{}: {}{}", name, where, describe_errno(error_number),
                     remedy);
}

}  // namespace

void throw_exception_from_error(const launch_failure& failure,
                                const boost::source_location& where) {
  boost::throw_exception(
      boost::system::system_error{failure.error_number, boost::system::system_category()}, where);
}

boost::system::result<pid_t, launch_failure> launch(launch_plan& plan) {
  const std::size_t entries = plan.environment.size();
  if (!plan.pid_variable.empty())
    plan.environment.push_back(plan.pid_variable + '=' + std::string(pid_digits, '0'));
  auto paths = pointers(plan.paths);
  auto arguments = pointers(plan.arguments);
  auto environment = pointers(plan.environment);
  std::vector<int> sources;
  for (const auto& descriptor : plan.descriptors) sources.push_back(descriptor.source.get());
  image of{};
  of.paths = paths.data();
  of.arguments = arguments.data();
  of.environment = environment.data();
  of.descriptors = plan.descriptors.data();
  of.descriptor_count = plan.descriptors.size();
  of.sources = sources.data();
  of.directory = plan.directory.empty() ? nullptr : plan.directory.c_str();
  of.own_session = plan.own_session;
  of.umask = plan.umask ? &*plan.umask : nullptr;
  of.nice = plan.nice ? &*plan.nice : nullptr;
  of.limits = plan.limits.data();
  of.limit_count = plan.limits.size();
  if (plan.credentials) {
    of.change_credentials = true;
    of.user = plan.credentials->user;
    of.group = plan.credentials->group;
    of.groups = plan.credentials->groups.data();
    of.group_count = plan.credentials->groups.size();
  }
  of.blocked = &plan.blocked;
  of.ignored = &plan.ignored;
  of.descriptor_limit = descriptor_limit();
  if (!plan.pid_variable.empty())
    of.pid_text = plan.environment.back().data() + plan.pid_variable.size() + 1;

  const auto stack = std::make_unique<char[]>(stack_size);
  pid_t pid = -1;
  {
    const all_signals_blocked quiet;
    pid = ::clone(run_image, stack.get() + stack_size, CLONE_VM | CLONE_VFORK | SIGCHLD, &of);
    if (pid < 0) of.failure = {launch_step::process, errno, 0};
  }
  plan.environment.resize(entries);
  if (of.failure.error_number == 0) return pid;
  while (pid > 0 && ::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return of.failure;
}

std::string launch_failure::describe(const launch_plan& plan) const {
  const auto error = describe_errno(error_number);
  switch (step) {
    case launch_step::process:
      return fmt::format("cannot make a process: {}; too many processes, or no memory?", error);
    case launch_step::session:
      return fmt::format("cannot make a session: {}", error);
    case launch_step::descriptors:
      return fmt::format("cannot give descriptor {}: {}", plan.descriptors[index].target, error);
    case launch_step::umask:
      return fmt::format("cannot set the umask: {}", error);
    case launch_step::nice:
      return fmt::format("cannot set nice {}: {}; a value below ours needs root",
                         plan.nice.value_or(0), error);
    case launch_step::limits:
      return fmt::format(
          "cannot set the limit {} to {}: {}; more than our own hard limit needs root",
          name_of(plan.limits[index].resource), plan.limits[index].value, error);
    case launch_step::groups:
    case launch_step::group:
    case launch_step::user:
      return fmt::format("cannot change to user {}, group {}: {}; it needs root",
                         plan.credentials->user, plan.credentials->group, error);
    case launch_step::directory:
      return fmt::format("cannot enter the directory \"{}\": {}", plan.directory, error);
    case launch_step::signals:
      return fmt::format("cannot set the signal mask: {}", error);
    case launch_step::execute:
      return describe_execution(plan, error_number);
  }
  return error;
}

}  // namespace baton::lineage

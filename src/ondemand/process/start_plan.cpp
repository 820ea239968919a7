#include "ondemand/process/start_plan.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <string_view>

#include "baton/base/error.hpp"
#include "lineage/origin.hpp"
#include "ondemand/process/account.hpp"

namespace baton::ondemand {
namespace {

using variable_map = std::map<std::string, std::string>;

constexpr int first_passed = 3;
constexpr int highest_passed = 1023;
constexpr std::string_view default_path =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Of those that a next generation of ours gets, what no other program is to see.
constexpr std::string_view our_own[] = {"NOTIFY_SOCKET", "WATCHDOG_USEC", marker_variable};

/// LISTEN_FDNAMES is separated by colons.
std::string plain_name(std::string_view name) {
  if (name.empty()) return "unknown";
  std::string plain{name};
  for (char& c : plain)
    if (c == ':' || static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = '_';
  return plain;
}

void duplicate_into(start_request& made, const passed_descriptor& from, int target, int lowest) {
  unique_fd copy{::fcntl(from.fd, F_DUPFD_CLOEXEC, lowest)};
  if (!copy)
    throw setup_error{fmt::format("cannot give descriptor {} (\"{}\") to the program: {}", from.fd,
                                  from.name, describe_errno(errno))};
  made.passed.push_back({std::move(copy), target});
  if (!from.variable.empty()) made.variables.emplace_back(from.variable, std::to_string(target));
}

variable_map base_environment(bool clean) {
  variable_map made;
  const auto add = [&](std::string_view entry) {
    const auto equals = entry.find('=');
    if (equals == std::string_view::npos || equals == 0) return;
    made.emplace(entry.substr(0, equals), entry.substr(equals + 1));
  };
  if (clean) {
    const auto path = lineage::origin().variable("PATH");
    made.emplace("PATH", path.empty() ? default_path : path);
    return made;
  }
  for (const auto& entry : lineage::next_environment()) add(entry);
  for (const auto name : our_own) made.erase(std::string{name});
  return made;
}

void add_account(variable_map& to, const account& who) {
  if (who.name.empty()) return;
  to.insert_or_assign("USER", who.name);
  to.insert_or_assign("LOGNAME", who.name);
  to.insert_or_assign("HOME", who.home);
  to.insert_or_assign("SHELL", who.shell);
}

std::vector<std::string> search(const std::string& name, const variable_map& environment) {
  if (name.find('/') != std::string::npos) return {name};
  const auto found = environment.find("PATH");
  std::string_view path =
      found == environment.end() ? default_path : std::string_view{found->second};
  std::vector<std::string> paths;
  for (bool more = true; more;) {
    const auto colon = path.find(':');
    const auto folder = path.substr(0, colon);
    paths.push_back(fmt::format("{}/{}", folder.empty() ? "." : folder, name));
    more = colon != std::string_view::npos;
    if (more) path.remove_prefix(colon + 1);
  }
  return paths;
}

unique_fd open_null(int flags) {
  unique_fd made{::open("/dev/null", flags | O_CLOEXEC)};
  if (!made) throw setup_error{fmt::format("cannot open /dev/null: {}", describe_errno(errno))};
  return made;
}

unique_fd open_output(const output_options& options) {
  if (options.to == output_target::null) return open_null(O_WRONLY);
  unique_fd made{
      ::open(options.file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640)};
  if (!made)
    throw setup_error{
        fmt::format("cannot open \"{}\" for the program's output: {}; its folder must "
                    "be there and writable",
                    options.file, describe_errno(errno))};
  return made;
}

/// Places it, above all targets.
void place(lineage::launch_plan& plan, unique_fd from, int target, int lowest) {
  unique_fd copy{::fcntl(from.get(), F_DUPFD_CLOEXEC, lowest)};
  if (!copy)
    throw setup_error{
        fmt::format("no descriptor is left for a new program: {}; raise the limit "
                    "(ulimit -n)",
                    describe_errno(errno))};
  plan.descriptors.push_back({std::move(copy), target});
}

void place_streams(lineage::launch_plan& plan, start_request& request, int lowest) {
  place(plan, open_null(O_RDONLY), STDIN_FILENO, lowest);
  const auto place_output = [&](unique_fd& pipe, const output_options& options, int target) {
    if (pipe) {
      place(plan, std::move(pipe), target, lowest);
    } else if (options.to == output_target::null || options.to == output_target::file) {
      place(plan, open_output(options), target, lowest);
    }
  };
  place_output(request.output, request.what.standard_output, STDOUT_FILENO);
  place_output(request.error_output, request.what.standard_error, STDERR_FILENO);
}

void add_limits(lineage::launch_plan& plan, const resource_limits& from) {
  const auto add = [&](int resource, const std::optional<std::uint64_t>& value) {
    if (value) plan.limits.push_back({resource, *value});
  };
  add(RLIMIT_NOFILE, from.open_files);
  add(RLIMIT_AS, from.memory);
  add(RLIMIT_NPROC, from.processes);
  add(RLIMIT_CORE, from.core);
  add(RLIMIT_CPU, from.cpu_seconds);
}

variable_map make_environment(const start_request& request, const account& who) {
  auto made = base_environment(request.what.clean_env);
  if (request.what.directory.starts_with('/')) made.insert_or_assign("PWD", request.what.directory);
  add_account(made, who);
  for (const auto& [name, value] : request.what.env) made.insert_or_assign(name, value);
  for (const auto& [name, value] : request.variables) made.insert_or_assign(name, value);
  if (request.listened > 0) {
    made.insert_or_assign("LISTEN_FDS", std::to_string(request.listened));
    made.insert_or_assign("LISTEN_FDNAMES", request.names);
    made.erase("LISTEN_PID");
  }
  return made;
}

}  // namespace

start_request make_start_request(const child_options& options) {
  options.what.validate();
  start_request made{.what = options.what};
  const auto listened =
      std::ranges::count_if(options.descriptors, [](const auto& each) { return each.number < 0; });
  made.listened = static_cast<std::size_t>(listened);
  int highest = first_passed + static_cast<int>(listened);
  for (const auto& each : options.descriptors) {
    if (each.number < 0) continue;
    const bool taken =
        each.number < first_passed + listened ||
        std::ranges::count(options.descriptors, each.number, &passed_descriptor::number) > 1;
    if (taken || each.number > highest_passed)
      throw setup_error{fmt::format(
          "descriptor \"{}\" cannot be number {}: it is taken or out of range; choose one from {} "
          "to {} that no other has",
          each.name, each.number, first_passed + listened, highest_passed)};
    highest = std::max(highest, each.number);
  }
  int next = first_passed;
  for (const auto& each : options.descriptors) {
    duplicate_into(made, each, each.number < 0 ? next : each.number, highest + 1);
    if (each.number >= 0) continue;
    made.names += fmt::format("{}{}", next > first_passed ? ":" : "", plain_name(each.name));
    ++next;
  }
  std::ranges::sort(made.passed, {}, &lineage::placed_descriptor::target);
  return made;
}

lineage::launch_plan make_plan(start_request request) {
  lineage::launch_plan plan;
  const auto who = find_account(request.what.user, request.what.group);
  const int lowest = std::max(10, request.passed.empty() ? 0 : request.passed.back().target + 1);
  place_streams(plan, request, lowest);
  for (auto& each : request.passed) plan.descriptors.push_back(std::move(each));
  const auto environment = make_environment(request, who);
  for (const auto& [name, value] : environment) plan.environment.push_back(name + '=' + value);
  if (request.listened > 0) plan.pid_variable = "LISTEN_PID";
  plan.paths = search(request.what.argv.front(), environment);
  plan.arguments = request.what.argv;
  plan.directory = request.what.directory;
  plan.own_session = true;
  if (request.what.umask) plan.umask = static_cast<mode_t>(*request.what.umask);
  plan.nice = request.what.nice;
  add_limits(plan, request.what.limits);
  plan.credentials = who.credentials;
  ::sigemptyset(&plan.blocked);
  plan.ignored = lineage::origin().ignored;
  return plan;
}

}  // namespace baton::ondemand

#include "apps/run/run_command.hpp"

#include <fmt/format.h>
#include <string.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "apps/run/run_options.hpp"
#include "apps/run/runner.hpp"
#include "baton/base/error.hpp"

namespace baton::run {
namespace {

constexpr const char* description =
    "baton run [FLAGS] -- PROGRAM [ARGUMENTS]\n"
    "\n"
    "Runs PROGRAM, holds its sockets, and replaces it without losing a connection.\n"
    "\n"
    "The sockets of --listen, and those that systemd gave us, are open for as long as this "
    "process\n"
    "is; the program gets them by LISTEN_FDS (sd_listen_fds(3)), from descriptor 3 on.\n"
    "\n"
    "  USR1, HUP       start the program once more on the same sockets; when it is ready, ask the\n"
    "                  one before to leave. If it does not become ready, nothing changes.\n"
    "  QUIT, TERM, INT ask the program to leave, and leave; a second one kills it.\n"
    "\n"
    "Exit status: the program's; 128 + N if signal N ended it (0 if it was the one that we asked\n"
    "with); 127 if it could not be started; 64 for flags that make no sense; 69 if a socket "
    "cannot\n"
    "be had or the program failed too often.";

/// What CLI11 reads, until it is an `options`.
struct wanted {
  options made;
  std::vector<std::string> environment;
  std::string ready;
  std::string restart = "on-failure";
  std::string stop_signal = "TERM";
  std::vector<std::string> forward;
  std::string output = "inherit";
  std::optional<milliseconds> settle;
};

[[noreturn]] void refuse(std::string_view flag, const std::string& sentence) {
  throw CLI::ValidationError(std::string{flag}, sentence);
}

int signal_number(const std::string& flag, std::string name) {
  if (name.starts_with("SIG")) name.erase(0, 3);
  int number = 0;
  const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (failed == std::errc{} && end == name.data() + name.size() && number > 0 && number < NSIG)
    return number;
  for (int each = 1; each < NSIG; ++each) {
    const char* const known = ::sigabbrev_np(each);
    if (known != nullptr && name == known) return each;
  }
  refuse(flag, fmt::format("'{}' is no signal; allowed: TERM, INT, QUIT, ... or a number", name));
}

/// "127.0.0.1:8080/health" or, for what listens on a unix socket, "unix:/run/x.sock:/health".
ondemand::http_check http_of(const std::string& text) {
  const bool by_path = text.starts_with("unix:") || text.starts_with('/');
  const auto end = by_path ? text.rfind(":/") : text.find('/');
  ondemand::http_check made;
  if (end != std::string::npos && end > 4) made.path = text.substr(by_path ? end + 1 : end);
  made.target =
      net::address::parse(text.substr(0, made.path == "/" && by_path ? text.size() : end));
  return made;
}

ondemand::readiness_check readiness_of(const std::string& text) {
  if (text == "notify") return ondemand::notify_check{};
  const auto colon = text.find(':');
  const auto kind = text.substr(0, colon);
  const auto rest = colon == std::string::npos ? std::string{} : text.substr(colon + 1);
  try {
    if (kind == "tcp" && !rest.empty()) return ondemand::tcp_check{net::address::parse(rest)};
    if (kind == "http" && !rest.empty()) return http_of(rest);
    if (kind == "command" && !rest.empty())
      return ondemand::command_check{.what = ondemand::program::shell(rest)};
  } catch (const setup_error& error) {
    refuse("--ready", error.what());
  }
  refuse("--ready", fmt::format("'{}' is not known; allowed: notify, tcp:ADDRESS, "
                                "http:ADDRESS/PATH, command:LINE",
                                text));
}

ondemand::output_options output_of(const std::string& text) {
  if (text.starts_with("file:"))
    return {.to = ondemand::output_target::file, .file = text.substr(5)};
  const auto to = ondemand::parse_output_target(text);
  if (!to || *to == ondemand::output_target::file)
    refuse("--output",
           fmt::format("'{}' is not known; allowed: inherit, log, null, file:PATH", text));
  return {.to = *to};
}

restart_policy policy_of(const std::string& text) {
  if (text == "never") return restart_policy::never;
  return text == "always" ? restart_policy::always : restart_policy::on_failure;
}

/// "250ms", "30s", "5m"; a bare number is of seconds.
milliseconds time_of(const std::string& flag, const std::string& text) {
  static const std::map<std::string, double> units{
      {"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"min", 60'000}, {"h", 3'600'000}};
  constexpr double longest = 7.0 * 24 * 3'600'000;
  double number = 0;
  const auto* const end = text.data() + text.size();
  const auto [behind, failed] = std::from_chars(text.data(), end, number);
  const auto unit = units.find(std::string{behind, end});
  if (failed != std::errc{} || unit == units.end() || !(number >= 0) ||
      number * unit->second > longest)
    refuse(flag, fmt::format("'{}' is no time; allowed: 250ms, 30s, 5m, 1h, up to 168h", text));
  return milliseconds{static_cast<std::int64_t>(number * unit->second)};
}

/// `value`: milliseconds, or an optional of them.
template <class Value>
void time_flag(CLI::App& to, const std::string& flag, Value& value, const std::string& help) {
  to.add_option_function<std::string>(
        flag, [flag, &value](const std::string& text) { value = time_of(flag, text); }, help)
      ->type_name("TIME");
}

void repeatable(CLI::Option* of) {
  of->expected(1)->allow_extra_args(false)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void add_limits(CLI::App& to, ondemand::resource_limits& limits) {
  const auto one = [&to](const std::string& flag, std::optional<std::uint64_t>& value,
                         const std::string& help) {
    to.add_option_function<std::uint64_t>(
          flag, [&value](const std::uint64_t& given) { value = given; }, help)
        ->type_name("N")
        ->group("The process");
  };
  one("--limit-files", limits.open_files, "Descriptors (RLIMIT_NOFILE)");
  one("--limit-memory", limits.memory, "Bytes of address space (RLIMIT_AS)");
  one("--limit-processes", limits.processes, "Processes of its user (RLIMIT_NPROC)");
  one("--limit-core", limits.core, "Bytes of a core file (RLIMIT_CORE)");
  one("--limit-cpu", limits.cpu_seconds, "Seconds of CPU time (RLIMIT_CPU)");
}

void add_process(CLI::App& to, wanted& into) {
  auto& what = into.made.what;
  const auto grouped = [](CLI::Option* of) { of->group("The process"); };
  grouped(to.add_option("--directory", what.directory, "Where it runs"));
  auto* const environment =
      to.add_option("--env", into.environment, "NAME=VALUE, added to ours; repeatable");
  repeatable(environment);
  grouped(environment);
  grouped(to.add_flag("--clean-env", what.clean_env, "Nothing of our environment but PATH"));
  grouped(to.add_option("--user", what.user, "As whom; needs root"));
  grouped(to.add_option("--group", what.group, "Instead of the user's; needs root"));
  grouped(to.add_option("--output", into.output,
                        "Standard output and error: inherit, log, null, file:PATH")
              ->capture_default_str());
  add_limits(to, what.limits);
}

void add_sockets(CLI::App& to, wanted& into) {
  auto* const listen = to.add_option(
      "--listen", into.made.listen,
      "[NAME=]ADDRESS: a socket for the program; repeatable. '127.0.0.1:8080', '*:80', "
      "'[::1]:0', 'unix:/run/x.sock', '@abstract'. One that systemd gave us under the "
      "name or address is taken instead of a new one");
  repeatable(listen);
  listen->group("Sockets");
  to.add_option("--backlog", into.made.backlog, "listen(2) queue length of each")
      ->capture_default_str()
      ->check(CLI::Range(1, 1 << 20))
      ->group("Sockets");
}

void add_replacing(CLI::App& to, wanted& into) {
  to.add_option("--ready", into.ready,
                "How one knows that it can take over: notify (READY=1, sd_notify(3)), "
                "tcp:ADDRESS, http:ADDRESS/PATH (status 200 to 399), command:LINE (status 0). "
                "Without it: when it has lived for --settle");
  time_flag(to, "--ready-timeout", into.made.ready_timeout, "For that [30s]");
  time_flag(to, "--settle", into.settle,
            "How long it must have lived then, before the one before is asked to leave [1s without "
            "--ready, else 0]");
  to.add_option("--stop-signal", into.stop_signal, "What asks it to leave")->capture_default_str();
  time_flag(to, "--stop-timeout", into.made.stop_timeout,
            "Until it, and all that it started, is killed [30s]");
  to.add_option("--max-draining", into.made.max_draining,
                "Replaced instances that may still be leaving; then the oldest is killed")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  repeatable(to.add_option("--forward", into.forward,
                           "A signal that is passed on to it, such as USR2; repeatable"));
}

void add_restarting(CLI::App& to, wanted& into) {
  to.add_option("--restart", into.restart, "When it ends by itself: never, on-failure, always")
      ->capture_default_str()
      ->check(CLI::IsMember({"never", "on-failure", "always"}));
  time_flag(to, "--backoff", into.made.backoff,
            "Before a start after a failure; doubles with each in a row. One that had run for 10 s "
            "is started again at once [1s]");
  time_flag(to, "--backoff-cap", into.made.backoff_cap, "The longest such pause [1m]");
  to.add_option("--max-failures", into.made.max_failures,
                "Failures in a row after which we give up with status 69; 0: never")
      ->capture_default_str();
}

/// Of signals that we need ourselves, or that cannot be caught.
bool ours(int number) {
  for (const int each : {SIGUSR1, SIGHUP, SIGQUIT, SIGTERM, SIGINT, SIGCHLD, SIGKILL, SIGSTOP})
    if (number == each) return true;
  return false;
}

options finish(wanted& from) {
  auto& made = from.made;
  for (const auto& each : from.environment) {
    const auto equals = each.find('=');
    if (equals == 0 || equals == std::string::npos)
      refuse("--env", fmt::format("'{}' is no variable; allowed: NAME=VALUE", each));
    made.what.env[each.substr(0, equals)] = each.substr(equals + 1);
  }
  if (!from.ready.empty()) made.ready = readiness_of(from.ready);
  const bool unchecked = std::holds_alternative<ondemand::no_check>(made.ready);
  made.settle = from.settle.value_or(std::chrono::seconds{unchecked ? 1 : 0});
  made.restart = policy_of(from.restart);
  made.stop_signal = signal_number("--stop-signal", from.stop_signal);
  for (const auto& each : from.forward) {
    made.forward.push_back(signal_number("--forward", each));
    if (ours(made.forward.back()))
      refuse("--forward", fmt::format("{} has a meaning of its own here, or cannot be caught; "
                                      "allowed: USR2, WINCH, ...",
                                      each));
  }
  made.what.standard_output = made.what.standard_error = output_of(from.output);
  const auto& path = made.what.argv.front();
  if (made.name.empty()) made.name = path.substr(path.rfind('/') + 1);
  return made;
}

}  // namespace

std::function<int()> add_command(CLI::App& app) {
  const auto read = std::make_shared<wanted>();
  auto& to = *app.add_subcommand("run", description);
  add_sockets(to, *read);
  add_replacing(to, *read);
  add_restarting(to, *read);
  add_process(to, *read);
  to.add_option("--pid-file", read->made.pid_file,
                "Holds our pid, which stays the same; written when the program is ready");
  to.add_option("--name", read->made.name, "In log lines [the program's]");
  to.add_option("program", read->made.what.argv, "The program and its arguments, behind --")
      ->required();
  return [read] { return runner{finish(*read)}.run(); };
}

}  // namespace baton::run

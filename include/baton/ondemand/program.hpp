#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// A program to run: what it is, as whom, where, and within which limits.
namespace baton::ondemand {

/// Limits of the new process and what it starts (setrlimit(2)), soft and hard. What is not set
/// stays as it is for this process; raising a hard limit needs root.
struct resource_limits {
  std::optional<std::uint64_t> open_files = {};   ///< RLIMIT_NOFILE
  std::optional<std::uint64_t> memory = {};       ///< RLIMIT_AS, bytes of address space
  std::optional<std::uint64_t> processes = {};    ///< RLIMIT_NPROC, of all processes of the user
  std::optional<std::uint64_t> core = {};         ///< RLIMIT_CORE, bytes
  std::optional<std::uint64_t> cpu_seconds = {};  ///< RLIMIT_CPU
};

/// Where standard output or standard error goes.
enum class output_target : std::uint8_t {
  log,      ///< line by line into our log; the last lines are kept for pages that tell what failed
  inherit,  ///< where ours goes
  null,     ///< nowhere
  file      ///< appended to `file`
};

[[nodiscard]] std::string_view to_string(output_target target) noexcept;
/// "log", "inherit", "null", "file"; nothing for any other text.
[[nodiscard]] std::optional<output_target> parse_output_target(std::string_view text) noexcept;

struct output_options {
  output_target to = output_target::log;
  /// Opened with our rights, created with mode 0640 if it is not there.
  std::string file = {};
};

struct program {
  /// The program and its arguments. A name without a slash is looked up in the PATH that the
  /// program gets, a relative path from `directory`.
  std::vector<std::string> argv = {};
  /// Empty: ours. Entered as `user`.
  std::string directory = {};
  /// Added to our environment; a variable that is there already is replaced.
  std::map<std::string, std::string> env = {};
  /// Nothing of our environment but PATH.
  bool clean_env = false;
  /// A name or a number. The user's groups come with it, and HOME, USER, LOGNAME and SHELL unless
  /// `env` sets them. Needs root.
  std::string user = {};
  /// A name or a number. Empty: the user's own. Needs root.
  std::string group = {};
  std::optional<unsigned> umask = {};
  /// -20 (favoured) to 19; below ours needs root (setpriority(2)).
  std::optional<int> nice = {};
  resource_limits limits = {};
  output_options standard_output = {};
  output_options standard_error = {};

  /// /bin/sh -c `line`.
  [[nodiscard]] static program shell(std::string line);

  /// Throws setup_error that names what is wrong, without looking at the machine: no program, a NUL
  /// byte, a variable name with '=', a `file` output without a file, numbers out of range.
  void validate() const;

  /// For messages: the arguments, those with spaces in quotes; a /bin/sh -c is its line.
  [[nodiscard]] std::string to_string() const;
};

}  // namespace baton::ondemand

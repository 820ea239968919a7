#include "baton/ondemand/program.hpp"

#include <fmt/format.h>

#include <utility>

#include "baton/base/error.hpp"

namespace baton::ondemand {
namespace {

constexpr std::pair<output_target, std::string_view> output_names[] = {
    {output_target::log, "log"},
    {output_target::inherit, "inherit"},
    {output_target::null, "null"},
    {output_target::file, "file"}};

void check_text(std::string_view what, std::string_view text) {
  if (text.find('\0') != std::string_view::npos)
    throw setup_error{fmt::format(
        "{} of a program holds a NUL byte, where the system would end it; remove it", what)};
}

void check_output(std::string_view which, const output_options& options) {
  check_text(which, options.file);
  if (options.to == output_target::file && options.file.empty())
    throw setup_error{
        fmt::format("{} is to go to a file, but none is named; name one, or choose another of "
                    "log, inherit, null",
                    which)};
  if (options.to != output_target::file && !options.file.empty())
    throw setup_error{
        fmt::format("{} names the file \"{}\", but goes to \"{}\"; choose \"file\", or leave the "
                    "name out",
                    which, options.file, to_string(options.to))};
}

void check_variable(const std::string& name, const std::string& value) {
  if (name.empty() || name.find('=') != std::string::npos)
    throw setup_error{fmt::format(
        "\"{}\" is no name of an environment variable: it must not be empty or hold '='", name)};
  check_text(fmt::format("the environment variable {}", name), name);
  check_text(fmt::format("the environment variable {}", name), value);
}

void append_argument(std::string& to, std::string_view argument) {
  if (!to.empty()) to += ' ';
  if (!argument.empty() && argument.find_first_of(" \t\n\"'") == std::string_view::npos) {
    to += argument;
    return;
  }
  to += '"';
  for (const char c : argument) {
    if (c == '"' || c == '\\') to += '\\';
    to += c;
  }
  to += '"';
}

}  // namespace

std::string_view to_string(output_target target) noexcept {
  for (const auto& [value, name] : output_names)
    if (value == target) return name;
  return "?";
}

std::optional<output_target> parse_output_target(std::string_view text) noexcept {
  for (const auto& [value, name] : output_names)
    if (name == text) return value;
  return std::nullopt;
}

program program::shell(std::string line) {
  program made;
  made.argv = {"/bin/sh", "-c", std::move(line)};
  return made;
}

void program::validate() const {
  if (argv.empty() || argv.front().empty())
    throw setup_error{"a program is empty: it must name what to run, then its arguments"};
  for (const auto& argument : argv) check_text("an argument", argument);
  for (const auto& [name, value] : env) check_variable(name, value);
  check_text("the directory", directory);
  check_text("the user", user);
  check_text("the group", group);
  if (umask && *umask > 0777U)
    throw setup_error{
        fmt::format("umask {:#o} of a program is out of range: from 0 to 0777 (octal)", *umask)};
  if (nice && (*nice < -20 || *nice > 19))
    throw setup_error{fmt::format("nice {} of a program is out of range: from -20 to 19", *nice)};
  check_output("standard output", standard_output);
  check_output("standard error", standard_error);
}

std::string program::to_string() const {
  if (argv.size() == 3 && argv[0] == "/bin/sh" && argv[1] == "-c") return argv[2];
  std::string text;
  for (const auto& argument : argv) append_argument(text, argument);
  return text;
}

}  // namespace baton::ondemand

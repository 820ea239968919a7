#include "apps/ondemand/command_line.hpp"

#include <CLI/CLI.hpp>
#include <array>
#include <string_view>
#include <utility>

#include "apps/ondemand/exit_status.hpp"
#include "baton/ondemand/settings.hpp"

namespace baton::apps {
namespace {

constexpr const char* description =
    R"(Starts services when their first request comes, streams to them, and stops
them when nobody needs them any more. Without a configuration: a demonstration.

  baton-ondemand gateway.yaml           serve (keys: --docs, or docs/ondemand-configuration.md)
  baton-ondemand gateway.yaml --check   say what is wrong with it, and leave
  baton-ondemand why shop gateway.yaml  why a service runs or does not, told by the gateway

The file is watched: what can change at once does, the rest by a hot restart that no client notices.)";

constexpr const char* footer = R"(
SIGNALS
  USR1, HUP        the program that is in place takes over, with the services as they run
  TERM, QUIT, INT  drain, end the services, leave; a second one drops what is open

EXIT STATUS
  0 good; 1 a question was not answered; 64 wrong flags; 69 it cannot serve (a port is taken);
  78 the configuration is wrong

ENVIRONMENT
  BATON_SERVICES_SHOP_IDLE_TIMEOUT=1m is services.shop.idle_timeout, and so on; flags win.)";

struct question {
  const char* name;
  const char* help;
  bool names_service;
};
constexpr std::array<question, 8> questions{
    {{"status", "The services and how they stand", false},
     {"why", "Why a service runs, or does not", true},
     {"log", "The last lines that a service wrote", true},
     {"events", "What becomes of services, from now on", false},
     {"start", "Start a service", true},
     {"stop", "Stop a service; open requests may finish", true},
     {"kill", "End a service now", true},
     {"restart", "Stop a service, and start it again", true}}};

/// "KEY=VALUE" as an override.
void set_key(config::sources& to, const std::string& text) {
  const auto equals = text.find('=');
  if (equals == 0 || equals == std::string::npos)
    throw CLI::ValidationError{"--set",
                               "'" + text + "' is not KEY=VALUE, such as server.threads=4"};
  to.overrides.push_back({text.substr(0, equals), text.substr(equals + 1), "--set"});
}

void add_source(CLI::App& to, command_line& read, const char* help) {
  to.add_option("CONFIG", read.from.path, help);
  to.add_option_function<std::vector<std::string>>(
        "--set",
        [&read](const std::vector<std::string>& all) {
          for (const auto& each : all) set_key(read.from, each);
        },
        "KEY=VALUE: what a key of the configuration is to be, such as server.threads=4; may be "
        "repeated")
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void add_questions(CLI::App& app, command_line& read) {
  for (const auto& each : questions) {
    auto* const made = app.add_subcommand(each.name, each.help);
    made->group("Questions to a gateway that runs");
    if (each.names_service) made->add_option("NAME", read.service, "Of the service")->required();
    add_source(*made, read, "The gateway's configuration, which tells where its admin service is");
    made->add_option(
        "--admin", read.admin.address,
        "Where that is, instead: http://127.0.0.1:9900, https://..., unix:/run/x.sock");
    made->add_option("--token-file", read.admin.token_file,
                     "A file with its token in the first line");
    made->add_option("--ca", read.admin.ca, "A PEM file: whose certificate is believed");
    made->add_flag("--json", read.json, "For programs: what the gateway says");
    made->callback([&read, name = each.name] {
      read.what = task::ask;
      read.question = name;
    });
  }
}

void add_tasks(CLI::App& app, command_line& read) {
  const auto add = [&](const char* flag, task what, const char* help) {
    app.add_flag_callback(
        flag, [&read, what] { read.what = what; }, help);
  };
  add("--check", task::check, "Say what is wrong with the configuration, and leave");
  add("--print-config", task::print_config, "Print every key with its value (JSON), and leave");
  add("--schema", task::print_schema, "Print the configuration's JSON schema, and leave");
  add("--docs", task::print_docs, "Print what every key means (Markdown), and leave");
  add("--demo", task::demonstrate, "Three small services to look at, whatever else is said");
}

}  // namespace

command_line read_command_line(int argc, char** argv) {
  command_line read;
  ondemand::extend(read.from.defaults);
  CLI::App app{description, "baton-ondemand"};
  app.footer(footer);
  app.set_version_flag("--version", "baton-ondemand " BATON_VERSION);
  app.require_subcommand(0, 1);
  add_source(app, read, "A YAML file, watched for changes");
  add_tasks(app, read);
  add_questions(app, read);
  auto* const hidden = app.add_subcommand("demonstrate", "One of the demonstration's services");
  hidden->group("");
  hidden->add_option("NAME", read.service)->required();
  hidden->callback([&read] { read.what = task::be_demonstrated; });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    read.what = task::nothing;
    read.exit_status = app.exit(error) == 0 ? exit_good : exit_usage;
    return read;
  }
  read.from.environment = config::process_environment();
  const bool described = !read.from.path.empty() || !read.from.overrides.empty();
  if (read.what == task::nothing) read.what = described ? task::serve : task::demonstrate;
  return read;
}

}  // namespace baton::apps

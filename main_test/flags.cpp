#include "flags.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace config = baton::config;

/// The flags that say where to listen; with one of them given, the file's listeners do not count.
struct where {
  std::string address = "0.0.0.0";
  std::vector<std::uint16_t> ports{9090, 9091};
  std::uint16_t tls_port = 9443;
  std::string certificate;
  std::string key;
  std::string client_ca;
  std::vector<std::string> protocols;
  std::size_t max_connections = 100'000;
};

std::string listen_address(const where& wanted, std::uint16_t port) {
  const bool bare_ipv6 =
      wanted.address.find(':') != std::string::npos && wanted.address.front() != '[';
  return bare_ipv6 ? fmt::format("[{}]:{}", wanted.address, port)
                   : fmt::format("{}:{}", wanted.address, port);
}

config::tls_block tls(const where& wanted) {
  config::tls_block made{.name = "flags"};
  made.options.certificates = {{.certificate = wanted.certificate, .key = wanted.key}};
  if (!wanted.client_ca.empty()) {
    made.options.mode = baton::net::tls_mode::mutual;
    made.options.ca = wanted.client_ca;
  }
  return made;
}

/// Everything on each port, those without TLS and one with it; or a port for each protocol, from
/// the first port on.
config::settings listeners(const where& wanted) {
  config::settings made;
  const bool has_tls = !wanted.certificate.empty();
  const auto on = [&](std::uint16_t port, std::string name, bool with_tls) {
    return config::listening{.options = {.address = listen_address(wanted, port),
                                         .name = std::move(name),
                                         .max_connections = wanted.max_connections},
                             .tls = with_tls ? "flags" : ""};
  };
  if (has_tls) made.tls.push_back(tls(wanted));
  if (!wanted.protocols.empty()) {
    made.protocols.push_back({on(wanted.ports.front(), {}, has_tls), wanted.protocols});
    return made;
  }
  for (const auto port : wanted.ports) made.listeners.push_back(on(port, {}, false));
  if (has_tls) made.listeners.push_back(on(wanted.tls_port, "tls", true));
  return made;
}

/// Instead of what the file says.
void override_sections(const config::settings& with, config::sources& to) {
  const auto all = boost::json::parse(config::to_json(with)).as_object();
  for (const auto* name : {"listeners", "protocols", "tls"})
    to.overrides.push_back({name, boost::json::serialize(all.at(name)), "the flags for listening"});
}

/// A flag that stands for one key of the configuration.
void key_flag(CLI::App& app, config::sources& to, const std::string& flag, const std::string& key,
              const std::string& help, const std::string& unit = {}) {
  app.add_option_function<std::string>(
      flag,
      [&to, flag, key, unit](const std::string& value) {
        to.overrides.push_back({key, value + unit, flag});
      },
      help);
}

}  // namespace

flags read_flags(int argc, char** argv) {
  flags read;
  where wanted;
  auto& from = read.configuration;
  std::int64_t ready_delay = 0;
  CLI::App app{
      "Two HTTP servers, and one for HTTPS, that restart without losing a client.\n"
      "kill -USR1 PID restarts, kill -QUIT PID drains and leaves."};
  app.set_version_flag("--version", "graceful_main " BATON_VERSION);
  auto* const file =
      app.add_option("--config", from.path,
                     "YAML file (docs/configuration.md), watched for changes; flags override it");
  app.add_flag("--check", read.check, "Say what is wrong with the configuration, and leave");
  std::vector<CLI::Option*> listening{
      app.add_option("--address", wanted.address, "IP address to listen on, '*' for dual stack")
          ->capture_default_str(),
      app.add_option("--port", wanted.ports, "Port; may be repeated")
          ->capture_default_str()
          ->expected(1)
          ->allow_extra_args(false)
          ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll),
      app.add_option("--tls-port", wanted.tls_port, "Port for HTTPS, HTTP/2 and wss")
          ->capture_default_str()};
  auto* const certificate =
      app.add_option("--certificate", wanted.certificate, "PEM file; without it no TLS is served");
  auto* const key = app.add_option("--key", wanted.key, "PEM file");
  certificate->needs(key);
  key->needs(certificate);
  listening.push_back(certificate);
  app.add_option("--client-ca", wanted.client_ca, "PEM file: clients must show a certificate")
      ->needs(certificate);
  listening.push_back(app.add_option("--protocols", wanted.protocols,
                                     "A port for each of these instead, from the first --port on: "
                                     "http, https, http2, ws, wss, with commas between")
                          ->delimiter(','));
  auto* const cap =
      app.add_option("--max-connections", wanted.max_connections, "Cap of each listener")
          ->capture_default_str();
  app.add_flag("--ws-deflate", read.ws_deflate,
               "Compress the messages of /ws for clients that offer it");
  key_flag(app, from, "--threads", "server.threads", "Loops; 0: one for each CPU");
  app.add_option_function<std::string>(
      "--admin",
      [&from](const std::string& address) {
        from.overrides.push_back({"admin.enabled", "true", "--admin"});
        from.overrides.push_back({"admin.address", address, "--admin"});
      },
      "Address of the admin service and its dashboard, such as 127.0.0.1:9900");
  key_flag(app, from, "--pid-file", "server.pid_file", "Written when ready");
  key_flag(app, from, "--drain-timeout", "shutdown.drain_timeout",
           "Seconds for open work to finish", "s");
  app.add_flag_callback(
      "--supervise",
      [&from] {
        from.overrides.push_back({"supervisor.mode", "always", "--supervise"});
      },
      "Keep a supervisor with a stable pid");
  app.add_option("--ready-delay", ready_delay, "Milliseconds of pretended slow start-up")
      ->capture_default_str()
      ->check(CLI::Range(0, 3'600'000));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    read.exit_status = app.exit(error);
    return read;
  }

  read.ready_delay = std::chrono::milliseconds{ready_delay};
  from.environment = config::process_environment();
  from.defaults = listeners(wanted);
  bool elsewhere = false;
  for (const auto* each : listening) elsewhere = elsewhere || each->count() != 0;
  if (file->count() != 0 && elsewhere) {
    override_sections(from.defaults, from);
  } else if (file->count() != 0 && cap->count() != 0) {
    for (const auto* of : {"listeners", "protocols"})
      from.overrides.push_back({fmt::format("{}[*].max_connections", of),
                                std::to_string(wanted.max_connections), "--max-connections"});
  }
  return read;
}

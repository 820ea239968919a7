#include "options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <stdexcept>
#include <string_view>

#include "../load/options.hpp"

namespace bench {
namespace {

std::pair<const kind*, std::uint32_t> parse_clients(std::string_view text) {
  const auto equals = text.find('=');
  const auto name = text.substr(0, equals);
  const auto digits =
      equals == std::string_view::npos ? std::string_view{} : text.substr(equals + 1);
  std::uint32_t count = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  if (error != std::errc{} || end != digits.data() + digits.size() || count > 100'000)
    throw std::invalid_argument{
        fmt::format("'{}' is not KIND=N with N up to 100000, e.g. https=16", text)};
  for (const auto& each : kinds)
    if (each.name == name) return {&each, count};
  throw std::invalid_argument{fmt::format("there is no kind of client '{}'; see --help", name)};
}

std::string kinds_text() {
  std::string text = "Kinds of clients:\n";
  for (const auto& each : kinds) text += fmt::format("  {:<15} {}\n", each.name, each.meaning);
  return text;
}

void take_clients(protocol_options& options, const std::vector<std::string>& wanted) {
  for (const auto& text : wanted) {
    const auto [what, count] = parse_clients(text);
    const auto& address = what->tls ? options.tls : options.clear;
    if (count == 0) continue;
    if (address.empty())
      throw std::invalid_argument{
          fmt::format("{} needs {}", what->name, what->tls ? "--tls" : "--clear")};
    parse_destination(address);
    options.clients.emplace_back(what, count);
  }
  if (options.clients.empty())
    throw std::invalid_argument{"no clients: give --clients KIND=N, e.g. --clients https=16"};
}

}  // namespace

protocol_options read_protocol_options(int argc, char** argv) {
  protocol_options options;
  std::vector<std::string> clients;
  std::int64_t deadline_ms = options.deadline.count();
  std::int64_t crossing_ms = options.crossing.count();
  std::int64_t think_ms = options.think.count();
  CLI::App app{
      "Strict clients of several protocols at once, which follow a server's restarts as their "
      "protocol asks: Connection: close, GOAWAY, close codes, Last-Event-ID, session tickets. "
      "Everything else that ends a request is a failure with a name. Exit status 0 only if "
      "nothing failed."};
  app.footer(kinds_text());
  app.add_option("--clients", clients, "KIND=N, may be repeated")->required();
  app.add_option("--clear", options.clear, "127.0.0.1:PORT, [::1]:PORT, unix:/path, unix:@name");
  app.add_option("--tls", options.tls, "the same for the listener with TLS");
  app.add_option("--ca", options.ca, "PEM file that the server's certificate must come from");
  app.add_option("--host", options.host, "Host, :authority and SNI")->capture_default_str();
  app.add_option("--path", options.path, "request target")->capture_default_str();
  app.add_option("--body-prefix", options.body_prefix, "what a body must begin with");
  app.add_flag("--mix", options.mix, "a quarter of the requests: /echo, /bytes, /slow, /stream");
  app.add_option("--websocket-path", options.websocket_path)->capture_default_str();
  app.add_option("--events-path", options.events_path)->capture_default_str();
  app.add_option("--streams", options.streams, "in flight on each HTTP/2 connection")
      ->check(CLI::Range(1U, 10'000U))
      ->capture_default_str();
  app.add_option("--depth", options.depth, "messages in flight of the deep kinds")
      ->check(CLI::Range(1U, 1024U))
      ->capture_default_str();
  app.add_option("--size", options.size, "bytes of a WebSocket message")
      ->check(CLI::Range(std::size_t{8}, std::size_t{64} << 20U))
      ->capture_default_str();
  app.add_option("--duration", options.duration, "seconds (SIGINT and SIGTERM end the run early)")
      ->capture_default_str();
  app.add_option("--requests", options.requests, "end after so many answers");
  app.add_option("--think", think_ms, "milliseconds, for the kinds that do")->capture_default_str();
  app.add_option("--deadline", deadline_ms, "milliseconds; later answers are failures")
      ->capture_default_str();
  app.add_option("--crossing", crossing_ms, "milliseconds that a message may be on its way")
      ->capture_default_str();
  app.add_option("--pin", options.pin, "CPU to run on");
  app.add_option("--json", options.json, "write the report to this file as well");
  app.add_flag("--quiet", options.quiet, "no report on standard output");
  try {
    app.parse(argc, argv);
    take_clients(options, clients);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error) == 0 ? 0 : 2);
  } catch (const std::invalid_argument& error) {
    std::fprintf(stderr, "bench_protocol_load: %s\n", error.what());
    std::exit(2);
  }
  options.deadline = std::chrono::milliseconds{deadline_ms};
  options.crossing = std::chrono::milliseconds{crossing_ms};
  options.think = std::chrono::milliseconds{think_ms};
  return options;
}

}  // namespace bench

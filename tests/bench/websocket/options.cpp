#include "options.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <stdexcept>

#include "../load/options.hpp"

namespace bench {

echo_options read_echo_options(int argc, char** argv) {
  echo_options options;
  std::int64_t deadline_ms = options.deadline.count();
  CLI::App app{
      "A strict WebSocket load client: every echo is compared byte by byte, every failure counted "
      "by its kind. A server that closes with 1001, 1012 or 1013 is come back to, and what it did "
      "not answer is sent again. Exit status 0 only if nothing failed."};
  app.add_option("--address", options.address, "127.0.0.1:PORT, [::1]:PORT, unix:/path, unix:@name")
      ->capture_default_str();
  app.add_option("--path", options.path, "request target")->capture_default_str();
  app.add_option("--host", options.host, "Host header")->capture_default_str();
  app.add_option("--subprotocol", options.subprotocol, "offered, and to be agreed on");
  app.add_option("--connections", options.connections)
      ->check(CLI::Range(1U, 1'000'000U))
      ->capture_default_str();
  app.add_option("--depth", options.depth, "messages sent together")
      ->check(CLI::Range(1U, 1024U))
      ->capture_default_str();
  app.add_option("--size", options.size, "bytes of a message")
      ->check(CLI::Range(std::size_t{0}, std::size_t{64} << 20U))
      ->capture_default_str();
  app.add_flag("--binary", options.binary, "binary messages instead of text");
  app.add_flag("--hold", options.hold, "one batch each, then hold the connections");
  app.add_option("--duration", options.duration, "seconds (SIGINT and SIGTERM end the run early)")
      ->capture_default_str();
  app.add_option("--messages", options.messages, "end after so many");
  app.add_option("--deadline", deadline_ms, "milliseconds; later echoes are failures")
      ->capture_default_str();
  app.add_option("--ramp", options.ramp, "connections that may wait for their first echo at once")
      ->check(CLI::Range(1U, 1'000'000U))
      ->capture_default_str();
  app.add_option("--pin", options.pin, "CPU to run on");
  app.add_option("--json", options.json, "write the report to this file as well");
  app.add_flag("--quiet", options.quiet, "no report on standard output");
  try {
    app.parse(argc, argv);
    parse_destination(options.address);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error) == 0 ? 0 : 2);
  } catch (const std::invalid_argument& error) {
    std::fprintf(stderr, "bench_websocket: %s\n", error.what());
    std::exit(2);
  }
  options.deadline = std::chrono::milliseconds{deadline_ms};
  return options;
}

}  // namespace bench

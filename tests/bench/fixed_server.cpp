// The server that compare.py measures: baton's HTTP service with one fixed answer.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <baton/base/error.hpp>
#include <baton/http/service.hpp>
#include <baton/server/server.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

int main(int argc, char** argv) {
  std::uint16_t port = 9081;
  std::size_t size = 16;
  std::size_t connections = 100'000;
  baton::server_options options;
  CLI::App app{"A baton server with one fixed answer, for measurements"};
  app.add_option("--port", port)->capture_default_str();
  app.add_option("--body", size, "bytes of the body of /")->capture_default_str();
  app.add_option("--threads", options.threads)->capture_default_str();
  app.add_option("--max-connections", connections, "of the listener")->capture_default_str();
  app.add_option("--pid-file", options.pid_file);
  CLI11_PARSE(app, argc, argv);

  const std::string body(size, 'x');
  try {
    baton::server server{options};
    // Idle connections are measured for longer than they may stay by default.
    baton::http::limits limits;
    limits.idle_timeout = std::chrono::hours{1};
    baton::http::service web{server,
                             {.address = fmt::format("127.0.0.1:{}", port),
                              .max_connections = connections,
                              .limits = limits}};
    web.get("/", [&](const baton::http::request&) { return baton::http::response::view(body); });
    web.get("/ping", [](const baton::http::request&) {
      return baton::http::response::text(fmt::format("pong by pid:{}\n", ::getpid()));
    });
    return server.run();
  } catch (const baton::setup_error& error) {
    fmt::print(stderr, "bench_fixed_server: {}\n", error.what());
    return 1;
  }
}

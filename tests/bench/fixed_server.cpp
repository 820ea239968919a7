// The server that is measured: baton's HTTP service with one fixed answer and a WebSocket echo, in
// the clear or, with a certificate, under TLS.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <baton/base/error.hpp>
#include <baton/http/service.hpp>
#include <baton/server/server.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

int main(int argc, char** argv) {
  std::uint16_t port = 9081;
  std::size_t size = 16;
  std::size_t connections = 100'000;
  bool statistics = true;
  std::string access_log;
  std::string access_format = "combined";
  baton::net::tls_certificate certificate;
  baton::server_options options;
  CLI::App app{"A baton server with one fixed answer and a WebSocket echo, for measurements"};
  app.add_option("--port", port)->capture_default_str();
  app.add_option("--body", size, "bytes of the body of /")->capture_default_str();
  app.add_option("--threads", options.threads)->capture_default_str();
  app.add_option("--max-connections", connections, "of the listener")->capture_default_str();
  app.add_option("--pid-file", options.pid_file);
  app.add_flag("!--no-statistics", statistics, "count nothing for each listener");
  app.add_option("--access-log", access_log, "write requests to this file");
  app.add_option("--access-format", access_format, "combined, combined_timed, json")
      ->capture_default_str();
  auto* const key = app.add_option("--key", certificate.key, "of the certificate");
  app.add_option("--certificate", certificate.certificate, "PEM file: serve TLS")->needs(key);
  CLI11_PARSE(app, argc, argv);

  const std::string body(size, 'x');
  try {
    baton::server server{options};
    baton::http::service_options web_options{.address = fmt::format("127.0.0.1:{}", port),
                                             .max_connections = connections,
                                             .statistics = statistics};
    // Idle connections are measured for longer than they may stay by default.
    web_options.limits.idle_timeout = std::chrono::hours{1};
    if (!certificate.certificate.empty())
      web_options.tls = baton::net::tls_options{.certificates = {certificate}};
    baton::http::service web{server, web_options};
    if (!access_log.empty())
      web.access_log(std::make_shared<baton::http::access_log>(baton::http::access_log_options{
          .file = access_log, .format = baton::http::parse_access_format(access_format).value()}));
    web.get("/", [&](const baton::http::request&) { return baton::http::response::view(body); });
    web.get("/ping", [](const baton::http::request&) {
      return baton::http::response::text(fmt::format("pong by pid:{}\n", ::getpid()));
    });
    baton::http::websocket_options quiet;
    quiet.ping_interval = std::chrono::hours{1};
    web.websocket("/ws", quiet, {.message = [](auto& socket, std::string_view payload, auto kind) {
                    socket.send(payload, kind);
                  }});
    return server.run();
  } catch (const baton::setup_error& error) {
    fmt::print(stderr, "bench_fixed_server: {}\n", error.what());
    return 1;
  }
}

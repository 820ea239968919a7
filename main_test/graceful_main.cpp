// The demonstration program: HTTP, HTTPS and WebSocket servers that are replaced under load without
// losing a client.
//
//   kill -USR1 PID   the next generation of this program takes over (so does HUP)
//   kill -QUIT PID   drain and leave (TERM, INT: the same; a second one drops what is open)
//
// With --config it is described by a file (graceful.yaml) and follows it while it runs.
#include <algorithm>
#include <chrono>
#include <exception>
#include <iostream>
#include <optional>
#include <thread>

#include "baton/admin/service.hpp"
#include "baton/base/log.hpp"
#include "baton/config/load.hpp"
#include "baton/config/reloader.hpp"
#include "baton/http/service.hpp"
#include "baton/server/server.hpp"
#include "chat.hpp"
#include "flags.hpp"
#include "routes.hpp"

namespace {

/// Stands for a program that takes its time to start.
void warm_up(baton::server& server, std::chrono::milliseconds delay) {
  using namespace std::chrono_literals;
  while (delay > 0ms) {
    const auto piece = std::min(delay, std::chrono::milliseconds{500});
    std::this_thread::sleep_for(piece);
    delay -= piece;
    server.progress("warming up");
  }
}

int say_what_is_wrong(const baton::config::sources& from) {
  const auto result = baton::config::check(from);
  (result.good ? std::cout : std::cerr) << result.report;
  return result.good ? 0 : 1;
}

int serve(const flags& asked) {
  const auto& from = asked.configuration;
  const auto settings = baton::config::load(from);
  baton::configure_logs(settings.logging);
  baton::server server{settings.server};
  baton::http::service web{server, {.limits = settings.limits}};
  add_routes(web);
  add_echo(web, asked.ws_deflate);
  chat talk{server, web};
  baton::config::listen(settings, web);
  std::optional<baton::admin::service> admin;
  if (settings.admin.enabled) admin.emplace(server, settings.admin.options).watch(web);
  std::optional<baton::config::reloader> reloader;
  if (!from.path.empty()) {
    reloader.emplace(server, web, from, settings);
    if (admin) reloader->manage(*admin);
  }
  warm_up(server, asked.ready_delay);
  return server.run();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const auto asked = read_flags(argc, argv);
    if (asked.exit_status >= 0) return asked.exit_status;
    return asked.check ? say_what_is_wrong(asked.configuration) : serve(asked);
  } catch (const std::exception& error) {
    std::cerr << "graceful_main: " << error.what() << '\n';
    return 1;
  }
}

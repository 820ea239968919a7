// The ten-line program, as a user of baton::http writes it. Listens where argv[1] says.
#include <fmt/format.h>
#include <unistd.h>

#include <baton/http/service.hpp>
#include <baton/server/server.hpp>

int main(int, char** argv) {
  baton::server server{{.pid_file = "service.pid"}};
  baton::http::service web{server, {.address = argv[1]}};
  web.get("/ping", [](const baton::http::request&) {
    return baton::http::response::text(fmt::format("pong by pid:{}\n", ::getpid()));
  });
  return server.run();
}

// Around the README's handlers that pass things on: a service to add them to.
#include <baton/http/service.hpp>
#include <baton/http/tunnel.hpp>
#include <baton/server/server.hpp>
#include <memory>
#include <span>

int main() {
  baton::server server{{.pid_file = "service.pid"}};
  baton::http::service web{server, {.address = "unix:web.sock"}};
#include "passing.inc"
  return server.run();
}

// A gateway, as a user of baton::ondemand writes it. Listens where argv[1] says; the service behind
// it is a child that is given its socket.
#include <fmt/format.h>
#include <unistd.h>

#include <baton/http/service.hpp>
#include <baton/ondemand/gateway.hpp>
#include <baton/server/server.hpp>

int main(int, char** argv) {
  constexpr const char* page = R"(
import socket
listener = socket.socket(fileno=3)
while True:
    client, _ = listener.accept()
    client.recv(4096)
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nawake\n")
    client.close()
)";
  baton::ondemand::child_service child{.run = {.argv = {"python3", "-c", page}}};
  child.socket.emplace();
  baton::ondemand::service_options service;
  service.name = "page";
  service.kind = child;
  service.routes = {{.path = "/page"}};
  service.ready = baton::ondemand::listening_check{};

  baton::server server{{.pid_file = "service.pid"}};
  baton::http::service web{server, {.address = argv[1]}};
  web.get("/ping", [](const baton::http::request&) {
    return baton::http::response::text(fmt::format("pong by pid:{}\n", ::getpid()));
  });
  baton::ondemand::gateway gateway{server, web, {service}};
  return server.run();
}

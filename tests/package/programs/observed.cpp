// A service that shows its metrics, as a user of baton::admin writes it. Listens where argv[1]
// says.
#include <fmt/format.h>
#include <unistd.h>

#include <baton/admin/metrics.hpp>
#include <baton/http/service.hpp>
#include <baton/server/server.hpp>
#include <string>

int main(int, char** argv) {
  baton::server server{{.pid_file = "service.pid"}};
  baton::http::service web{server, {.address = argv[1]}};
  baton::admin::metrics metrics{server};
  metrics.watch(web);
  web.get("/ping", [](const baton::http::request&) {
    return baton::http::response::text(fmt::format("pong by pid:{}\n", ::getpid()));
  });
  web.get("/metrics", [&](const baton::http::request& asked) {
    const auto format = baton::admin::negotiate(asked.header("Accept"));
    return baton::http::response::bytes(metrics.text(format),
                                        std::string{baton::admin::content_type(format)});
  });
  return server.run();
}

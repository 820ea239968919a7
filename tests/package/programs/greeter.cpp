// A protocol of one's own on baton::core alone: it greets each client and hangs up.
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <baton/server/server.hpp>
#include <baton/server/service.hpp>
#include <string>

class greeter final : public baton::service {
 public:
  std::string_view protocol() const noexcept override { return "greeting"; }
  void attach(baton::net::loop&) override {}
  void serve(baton::net::loop&, baton::net::accepted connection) override {
    const std::string greeting = fmt::format("pong by pid:{}\n", ::getpid());
    if (::send(connection.fd.get(), greeting.data(), greeting.size(), MSG_NOSIGNAL) < 0) return;
  }
  // No connection outlives `serve`, so there is nothing to drain.
  void announce(baton::net::loop&) override {}
  void resume(baton::net::loop&) override {}
  void close_when_idle(baton::net::loop&) override {}
  void drop(baton::net::loop&, baton::error_code) override {}
};

int main(int, char** argv) {
  greeter greetings;
  baton::server server{{.pid_file = "service.pid"}};
  server.listen({.address = argv[1]}, greetings);
  return server.run();
}

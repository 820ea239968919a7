// Around the README's handlers: a service to add them to.
#include <fmt/format.h>

#include <baton/http/awaitable.hpp>
#include <baton/http/service.hpp>
#include <baton/server/server.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <memory>
#include <string>

namespace asio = boost::asio;
using namespace std::chrono_literals;

int main() {
  baton::server server{{.pid_file = "service.pid"}};
  baton::http::service web{server, {.address = "unix:web.sock"}};
#include "handlers.inc"
  return server.run();
}

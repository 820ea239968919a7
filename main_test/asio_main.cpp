// baton inside a program that has an Asio loop of its own: the loop stays the program's, and what
// else runs on it (here: a heartbeat) goes on beside the HTTP service.
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <boost/asio.hpp>
#include <chrono>
#include <iostream>

#include "baton/http/service.hpp"
#include "baton/server/server.hpp"

namespace asio = boost::asio;

namespace {

/// Something of the program's own on the same loop.
class heartbeat {
 public:
  explicit heartbeat(asio::io_context& loop) : timer_{loop} { beat(); }
  void stop() { timer_.cancel(); }
  [[nodiscard]] int beats() const { return beats_; }

 private:
  void beat() {
    timer_.expires_after(std::chrono::milliseconds{100});
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      ++beats_;
      beat();
    });
  }
  asio::steady_timer timer_;
  int beats_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  try {
    asio::io_context loop{1};
    heartbeat own_work{loop};

    baton::server server{loop, {.pid_file = argc > 2 ? argv[2] : ""}};
    baton::http::service web{server, {.address = argc > 1 ? argv[1] : "127.0.0.1:9092"}};
    web.get("/ping", [&](const baton::http::request&) {
      return baton::http::response::text(
          fmt::format("pong by pid:{} after {} beats\n", ::getpid(), own_work.beats()));
    });
    server.on_stopped([&](const baton::shutdown_result&) { own_work.stop(); });
    server.start();

    loop.run();  // ends when baton has left and the heartbeat has stopped
    return server.outcome().status == baton::shutdown_status::completed ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << "asio_main: " << error.what() << '\n';
    return 1;
  }
}

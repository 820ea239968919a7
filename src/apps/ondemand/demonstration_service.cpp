#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "apps/ondemand/demonstration.hpp"
#include "apps/ondemand/demonstration_pages.hpp"
#include "baton/base/error.hpp"
#include "baton/http/event_stream.hpp"
#include "baton/http/service.hpp"
#include "baton/http/websocket.hpp"
#include "baton/net/address.hpp"
#include "baton/server/server.hpp"

namespace baton::apps {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

std::string filled(std::string_view page, steady::time_point began) {
  std::string made{page};
  const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(steady::now() - began);
  for (const auto& [word, by] : {std::pair{"PID", std::to_string(::getpid())},
                                 std::pair{"AGE", std::to_string(age.count())}})
    if (const auto at = made.find(word); at != std::string::npos)
      made.replace(at, std::string_view{word}.size(), by);
  return made;
}

/// Tells the time to one client, each second.
class ticking : public std::enable_shared_from_this<ticking> {
 public:
  ticking(boost::asio::io_context& on, http::event_stream to) : timer_{on}, to_{std::move(to)} {}

  void begin() {
    to_.on_closed([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->timer_.cancel();
    });
    tick();
  }

 private:
  void tick() {
    const auto now = std::time(nullptr);
    std::tm parts{};
    ::localtime_r(&now, &parts);
    if (!to_.send({.data = fmt::format("{:%H:%M:%S}", parts)})) return;
    timer_.expires_after(1s);
    timer_.async_wait([self = shared_from_this()](error_code cancelled) {
      if (!cancelled) self->tick();
    });
  }

  boost::asio::steady_timer timer_;
  http::event_stream to_;
};

void add_routes(http::service& web, steady::time_point began) {
  const auto page = [began](std::string_view html) {
    return
        [html, began](const http::request&) { return http::response::html(filled(html, began)); };
  };
  web.get("/page", page(page_html));
  web.get("/clock", page(clock_html));
  web.get("/echo", page(echo_html));
  web.get("/clock/events", [](const http::request& asked, http::responder done) {
    std::make_shared<ticking>(asked.context(), http::event_stream{asked, std::move(done)})->begin();
  });
  web.websocket("/echo/ws",
                {.message = [](http::websocket& socket, std::string_view payload,
                               http::message_kind kind) { socket.send(payload, kind); }});
}

}  // namespace

int be_demonstrated(const std::string& name) {
  const auto began = steady::now();
  constexpr int first_passed = 3;
  const auto given = net::address::local(first_passed);
  if (!given)
    throw setup_error{
        "this is a service of the demonstration, which baton-ondemand starts with a socket of its "
        "own; start that, without anything behind it"};
  server main{{.idle_grace = 0ms, .drain_timeout = 2s}};
  http::service web{main, {.address = given->to_string(), .name = name}};
  add_routes(web, began);
  return main.run();
}

}  // namespace baton::apps

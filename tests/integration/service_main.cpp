// The service that the integration tests run: a JSON file says how it behaves, and each generation
// reads that file anew, so that a test can change the next generation's mind between two upgrades.
//
//   integration_service CONFIG.json
//
// Keys (all optional): listeners [{address, name, max_connections, unix_mode, backlog}],
// extra_ports (count of further loopback listeners), threads, pid_file, supervise ("always",
// "never", "automatic"), max_connections, ready_timeout_ms, ready_timeout_cap_ms, probation_ms,
// max_draining, lame_duck_ms, idle_grace_ms, drain_timeout_ms, announce_spread_ms, fail (a
// sentence: throw it), exit (leave with this status before ready), progress [ms per piece of slow
// start-up], resident_mib (memory to touch), state (text offered under the key "note"), hook_file
// (an exit hook writes "left" to it), abort_after_ms (abort once serving), header_timeout_ms.
#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "baton/base/error.hpp"
#include "baton/base/log.hpp"
#include "baton/http/service.hpp"
#include "baton/server/server.hpp"

namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

json::object read_configuration(const char* path) {
  std::ifstream file{path};
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  return json::parse(text).as_object();
}

template <class Number>
Number number(const json::object& from, std::string_view key, Number otherwise) {
  const auto* found = from.if_contains(key);
  return found != nullptr ? found->to_number<Number>() : otherwise;
}

milliseconds duration(const json::object& from, std::string_view key, milliseconds otherwise) {
  return milliseconds{number<std::int64_t>(from, key, otherwise.count())};
}

std::string text(const json::object& from, std::string_view key, std::string otherwise = {}) {
  const auto* found = from.if_contains(key);
  return found != nullptr ? std::string{found->as_string()} : otherwise;
}

baton::server_options server_options(const json::object& from) {
  baton::server_options options;
  options.pid_file = text(from, "pid_file");
  options.threads = number<unsigned>(from, "threads", 1);
  options.max_connections = number<std::size_t>(from, "max_connections", options.max_connections);
  const auto supervise = text(from, "supervise", "never");
  options.supervise = supervise == "always"      ? baton::supervise_mode::always
                      : supervise == "automatic" ? baton::supervise_mode::automatic
                                                 : baton::supervise_mode::never;
  options.ready_timeout = duration(from, "ready_timeout_ms", options.ready_timeout);
  options.ready_timeout_cap = duration(from, "ready_timeout_cap_ms", options.ready_timeout_cap);
  options.probation = duration(from, "probation_ms", options.probation);
  options.max_draining = number<std::size_t>(from, "max_draining", options.max_draining);
  options.lame_duck = duration(from, "lame_duck_ms", options.lame_duck);
  options.idle_grace = duration(from, "idle_grace_ms", options.idle_grace);
  options.drain_timeout = duration(from, "drain_timeout_ms", options.drain_timeout);
  options.announce_spread = duration(from, "announce_spread_ms", options.announce_spread);
  return options;
}

void add_listeners(baton::http::service& web, const json::object& from) {
  if (const auto* list = from.if_contains("listeners")) {
    for (const auto& entry : list->as_array()) {
      const auto& each = entry.as_object();
      baton::net::listener_options options;
      options.address = text(each, "address");
      options.name = text(each, "name");
      options.backlog = number<int>(each, "backlog", options.backlog);
      options.max_connections =
          number<std::size_t>(each, "max_connections", options.max_connections);
      options.unix_mode = number<mode_t>(each, "unix_mode", options.unix_mode);
      auto& listener = web.listen(options);
      fmt::print("listener {} {}\n", listener.name(), listener.local().to_string());
    }
  }
  const auto extra = number<int>(from, "extra_ports", 0);
  for (int i = 0; i < extra; ++i)
    web.listen({.address = "127.0.0.1:0", .name = fmt::format("extra-{}", i)});
  std::fflush(stdout);
}

void add_routes(baton::http::service& web, baton::server& server) {
  using baton::http::request;
  using baton::http::response;
  web.websocket("/ws",
                {.message = [](baton::http::websocket& socket, std::string_view payload,
                               baton::http::message_kind kind) { socket.send(payload, kind); }});
  web.get("/ping", [](const request&) {
    return response::text(fmt::format("pong by pid:{}\n", ::getpid()));
  });
  web.get("/generation", [&server](const request&) {
    return response::text(fmt::format("{}\n", server.generation()));
  });
  web.get("/state", [&server](const request&) {
    const auto* note = server.inherited_state("note");
    return response::text(note != nullptr ? note->bytes : "none");
  });
  web.get("/environment/{name}", [](const request& asked) {
    const char* value = std::getenv(std::string{asked.param("name")}.c_str());
    return response::text(value != nullptr ? value : "unset");
  });
  // A helper of the program's own that outlives it, started the careless way.
  web.get("/helper", [](const request&) {
    return response::text(fmt::format("{}\n", std::system("exec sleep 120 <&- >&- 2>&- &")));
  });
  // A grandchild that ends after its parent: pid 1 or the subreaper has to reap it.
  web.get("/orphan", [](const request&) {
    return response::text(fmt::format("{}\n", std::system("sleep 0.05 & exit 0")));
  });
  web.get("/bytes/{count}", [](const request& asked) {
    return response::text(std::string(std::stoul(std::string{asked.param("count")}), 'x'));
  });
  web.any("/echo", [](const request& asked) { return response::text(std::string{asked.body()}); });
  web.get("/slow/{ms}", [](const request& asked, baton::http::responder done) {
    auto timer = std::make_shared<boost::asio::steady_timer>(asked.context());
    timer->expires_after(milliseconds{std::stol(std::string{asked.param("ms")})});
    timer->async_wait([timer, done = std::move(done)](const baton::error_code&) mutable {
      done(response::text(fmt::format("slept by pid:{}\n", ::getpid())));
    });
  });
}

std::vector<char> touch_memory(std::size_t mebibytes) {
  return std::vector<char>(mebibytes * 1024 * 1024, 'm');
}

int serve(const json::object& configuration) {
  baton::server server{server_options(configuration)};
  if (const auto reason = text(configuration, "fail"); !reason.empty())
    throw baton::setup_error{reason};
  if (const auto status = number<int>(configuration, "exit", -1); status >= 0) std::_Exit(status);

  baton::http::limits limits;
  limits.header_timeout = duration(configuration, "header_timeout_ms", limits.header_timeout);
  baton::http::service web{server, {.limits = limits}};
  add_routes(web, server);
  add_listeners(web, configuration);

  const auto memory = touch_memory(number<std::size_t>(configuration, "resident_mib", 0));
  if (const auto* pieces = configuration.if_contains("progress")) {
    for (const auto& piece : pieces->as_array()) {
      // Stands for slow work of the program's own start-up.
      std::this_thread::sleep_for(milliseconds{piece.to_number<std::int64_t>()});
      server.progress("warming up");
    }
  }
  const auto note = text(configuration, "state");
  server.offer_state("note", 1, [note] { return note; });
  if (const auto file = text(configuration, "hook_file"); !file.empty())
    server.on_exit([file] { std::ofstream{file} << "left"; });

  boost::asio::steady_timer bomb{server.context()};
  if (const auto fuse = number<std::int64_t>(configuration, "abort_after_ms", -1); fuse >= 0) {
    bomb.expires_after(milliseconds{fuse});
    bomb.async_wait([](const baton::error_code& error) {
      if (!error) std::abort();
    });
  }
  server.on_stopped([&bomb](const baton::shutdown_result&) { bomb.cancel(); });
  return server.run();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: integration_service CONFIG.json\n");
    return 2;
  }
  try {
    return serve(read_configuration(argv[1]));
  } catch (const std::exception& error) {
    fmt::print(stderr, "integration_service: {}\n", error.what());
    return 1;
  }
}

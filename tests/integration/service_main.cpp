// The service that the integration tests run: a JSON file says how it behaves, and each generation
// reads that file anew, so that a test can change the next generation's mind between two upgrades.
//
//   integration_service CONFIG.json
//
// Keys (all optional): listeners [{address, name, max_connections, unix_mode, backlog, proxy_from
// [network], clear_too (beside TLS), tls {mode, certificates [{certificate, key, passphrase,
// ocsp_response, names}], ca, crl, clients, minimum_version, ciphers, ciphersuites,
// prefer_server_ciphers, alpn, handshake_timeout_ms, ticket_lifetime_s, watch_files}}],
// extra_ports (count of further loopback listeners), threads, pid_file, supervise ("always",
// "never", "automatic"), max_connections, ready_timeout_ms, ready_timeout_cap_ms, probation_ms,
// max_draining, lame_duck_ms, idle_grace_ms, drain_timeout_ms, announce_spread_ms, fail (a
// sentence: throw it), exit (leave with this status before ready), progress [ms per piece of slow
// start-up], resident_mib (memory to touch), state (text offered under the key "note"), hook_file
// (an exit hook writes "left" to it), abort_after_ms (abort once serving), and of http::limits
// header_timeout_ms, body_timeout_ms, idle_timeout_ms, write_timeout_ms, linger_timeout_ms; and
// websocket {max_message, max_connections, high_water, max_backlog, compression {enabled,
// server_context_takeover, client_context_takeover, server_max_window_bits, client_max_window_bits,
// threshold}, subprotocols, origins [those let in], message_timeout_ms, ping_interval_ms,
// pong_deadline_ms, idle_timeout_ms, close_timeout_ms} for /ws and /topic; and admin, which
// service_admin.cpp describes; and log and access_log (service_logs.hpp).
#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "baton/admin/service.hpp"
#include "baton/base/error.hpp"
#include "baton/base/log.hpp"
#include "baton/http/service.hpp"
#include "baton/http/topic.hpp"
#include "baton/server/server.hpp"
#include "service_admin.hpp"
#include "service_bodies.hpp"
#include "service_logs.hpp"
#include "service_options.hpp"
#include "service_tunnels.hpp"

namespace {

using configuration::json::object;
using std::chrono::milliseconds;

void add_listeners(baton::http::service& web, const object& from) {
  if (const auto* list = from.if_contains("listeners")) {
    for (const auto& entry : list->as_array()) {
      auto& listener = web.listen(configuration::listener(entry.as_object()));
      fmt::print("listener {} {}\n", listener.name(), listener.local().to_string());
    }
  }
  const auto extra = configuration::number<int>(from, "extra_ports", 0);
  for (int i = 0; i < extra; ++i)
    web.listen({.address = "127.0.0.1:0", .name = fmt::format("extra-{}", i)});
  std::fflush(stdout);
}

/// Echoes, and says in the log how each socket ended.
void add_websocket(baton::http::service& web, const object& from) {
  using baton::http::websocket;
  web.websocket("/ws", configuration::websocket(from),
                {.message = [](websocket& socket, std::string_view payload,
                               baton::http::message_kind kind) { socket.send(payload, kind); },
                 .closed =
                     [](websocket&, const baton::http::websocket_end& how) {
                       baton::log_info(fmt::format("websocket ended with {}: {}",
                                                   static_cast<unsigned>(how.code), how.reason));
                     }});
}

/// What one says, all hear, he too.
void add_topic(baton::http::service& web, const object& from) {
  using baton::http::message_kind;
  using baton::http::websocket;
  using baton::http::websocket_message;
  const auto all = std::make_shared<baton::http::topic>();
  web.websocket(
      "/topic", configuration::websocket(from),
      {.open = [all](websocket& socket, const baton::http::request&) { all->subscribe(socket); },
       .message =
           [all](websocket&, std::string_view payload, message_kind kind) {
             all->publish(kind == message_kind::text
                              ? websocket_message::text(std::string{payload})
                              : websocket_message::binary(std::string{payload}));
           },
       .closed =
           [](websocket&, const baton::http::websocket_end& how) {
             baton::log_info(fmt::format("subscriber ended with {}: {}",
                                         static_cast<unsigned>(how.code), how.reason));
           }});
}

void add_routes(baton::http::service& web, baton::server& server) {
  using baton::http::request;
  using baton::http::response;
  web.get("/ping", [](const request&) {
    return response::text(fmt::format("pong by pid:{}\n", ::getpid()));
  });
  web.get("/generation", [&server](const request&) {
    return response::text(fmt::format("{}\n", server.generation()));
  });
  web.get("/peer", [](const request& asked) { return response::text(asked.peer().to_string()); });
  // What TLS says of the client: one "name=value" a line.
  web.get("/tls", [](const request& asked) {
    const auto* tls = asked.tls();
    if (tls == nullptr) return response::text("clear\n");
    return response::text(
        fmt::format("version={}\ncipher={}\nprotocol={}\nserver_name={}\nclient_subject={}\n"
                    "client_fingerprint={}\nresumed={}\npid={}\n",
                    tls->version, tls->cipher, tls->protocol, tls->server_name, tls->client_subject,
                    tls->client_fingerprint, tls->resumed, ::getpid()));
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
  web.get("/status/{code}", [](const request& asked) {
    return response::text("as asked\n", std::stoul(std::string{asked.param("code")}));
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

int serve(const object& from) {
  using configuration::number;
  using configuration::text;
  configure_logs(from);
  baton::server server{configuration::server(from)};
  if (const auto reason = text(from, "fail"); !reason.empty()) throw baton::setup_error{reason};
  if (const auto status = number<int>(from, "exit", -1); status >= 0) std::_Exit(status);

  baton::http::service web{server, {.limits = configuration::limits(from)}};
  add_routes(web, server);
  add_bodies(web);
  add_tunnels(web);
  add_logs(web, from);
  add_websocket(web, from);
  add_topic(web, from);
  add_listeners(web, from);
  const auto admin = add_admin(server, web, from);

  const auto memory = touch_memory(number<std::size_t>(from, "resident_mib", 0));
  if (const auto* pieces = from.if_contains("progress")) {
    for (const auto& piece : pieces->as_array()) {
      // Stands for slow work of the program's own start-up.
      std::this_thread::sleep_for(milliseconds{piece.to_number<std::int64_t>()});
      server.progress("warming up");
    }
  }
  const auto note = text(from, "state");
  server.offer_state("note", 1, [note] { return note; });
  if (const auto file = text(from, "hook_file"); !file.empty())
    server.on_exit([file] { std::ofstream{file} << "left"; });

  boost::asio::steady_timer bomb{server.context()};
  if (const auto fuse = number<std::int64_t>(from, "abort_after_ms", -1); fuse >= 0) {
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
    return serve(configuration::read(argv[1]));
  } catch (const std::exception& error) {
    fmt::print(stderr, "integration_service: {}\n", error.what());
    return 1;
  }
}

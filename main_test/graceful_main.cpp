// The demonstration program: HTTP, HTTPS and WebSocket servers that are replaced under load without
// losing a client.
//
//   kill -USR1 PID   the next generation of this program takes over (so does HUP)
//   kill -QUIT PID   drain and leave (TERM, INT: the same; a second one drops what is open)
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/crc.hpp>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "baton/base/error.hpp"
#include "baton/http/event_stream.hpp"
#include "baton/http/service.hpp"
#include "baton/server/server.hpp"
#include "chat.hpp"

namespace {

using baton::http::request;
using baton::http::responder;
using baton::http::response;

constexpr std::uint64_t most_bytes = std::uint64_t{1} << 30;

struct settings {
  std::string address = "0.0.0.0";
  std::vector<std::uint16_t> ports{9090, 9091};
  std::uint16_t tls_port = 9443;
  std::string certificate;
  std::string key;
  std::string client_ca;
  std::vector<std::string> protocols;
  bool ws_deflate = false;
  std::chrono::milliseconds ready_delay{0};
  std::size_t max_connections = 100'000;
  baton::server_options server;
};

/// The number in a path, or nothing if it is none or beyond `most`.
std::optional<std::uint64_t> number_in(std::string_view text, std::uint64_t most) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > most) return std::nullopt;
  return value;
}

response bad_number(std::string_view text, std::uint64_t most) {
  return response::text(fmt::format("'{}' is not a number from 0 to {}\n", text, most), 400);
}

response bytes(const request& asked) {
  const auto text = asked.param("count");
  const auto count = number_in(text, most_bytes);
  if (!count) return bad_number(text, most_bytes);
  return response::text(std::string(*count, 'x'));
}

/// Answers after the time in the path: an open request that a restart must not cut.
void slow(const request& asked, responder done) {
  constexpr std::uint64_t most = 600'000;
  const auto text = asked.param("ms");
  const auto delay = number_in(text, most);
  if (!delay) return done(bad_number(text, most));
  auto timer = std::make_shared<boost::asio::steady_timer>(asked.context());
  timer->expires_after(std::chrono::milliseconds{*delay});
  timer->async_wait([timer, delay, done = std::move(done)](const baton::error_code&) mutable {
    done(response::text(fmt::format("waited {} ms in pid:{}\n", *delay, ::getpid())));
  });
}

/// Reads a body of any size piece by piece and answers its length and CRC-32.
class upload : public std::enable_shared_from_this<upload> {
 public:
  upload(baton::http::body_reader body, responder done)
      : body_{std::move(body)}, done_{std::move(done)} {}

  void read() {
    body_.async_read([self = shared_from_this()](baton::error_code error, std::string_view piece) {
      self->take(error, piece);
    });
  }

 private:
  void take(baton::error_code error, std::string_view piece) {
    if (error == boost::asio::error::eof)
      return done_(
          response::text(fmt::format("length={} crc32={:08x}\n", length_, crc_.checksum())));
    if (error) return;  // the client has gone; nobody waits for an answer
    length_ += piece.size();
    crc_.process_bytes(piece.data(), piece.size());
    read();
  }

  baton::http::body_reader body_;
  responder done_;
  std::uint64_t length_ = 0;
  boost::crc_32_type crc_;
};

/// Sends N numbered lines, chunk by chunk, as fast as the client takes them.
class line_stream : public std::enable_shared_from_this<line_stream> {
 public:
  line_stream(baton::http::body_writer out, std::uint64_t lines)
      : out_{std::move(out)}, lines_{lines} {}

  void write() {
    if (next_ == lines_) return out_.finish();
    out_.async_write(fmt::format("line {}\n", ++next_),
                     [self = shared_from_this()](baton::error_code error) {
                       if (!error) self->write();
                     });
  }

 private:
  baton::http::body_writer out_;
  std::uint64_t lines_;
  std::uint64_t next_ = 0;
};

void stream(const request& asked, responder done) {
  constexpr std::uint64_t most = 100'000'000;
  const auto text = asked.param("lines");
  const auto lines = number_in(text, most);
  if (!lines) return done(bad_number(text, most));
  std::make_shared<line_stream>(done.stream(response::text("")), *lines)->write();
}

/// Sends an event each second, numbered on from the last one that the client has seen.
class ticks : public std::enable_shared_from_this<ticks> {
 public:
  ticks(const request& asked, responder done)
      : events_{asked, std::move(done)}, timer_{asked.context()} {
    next_ = number_in(events_.last_event_id(), most_bytes).value_or(0) + 1;
  }

  void tick() {
    if (!events_.send({.data = fmt::format("tick {} of pid:{}", next_, ::getpid()),
                       .id = std::to_string(next_)}))
      return;
    ++next_;
    timer_.expires_after(std::chrono::seconds{1});
    timer_.async_wait([self = shared_from_this()](baton::error_code error) {
      if (!error) self->tick();
    });
  }

 private:
  baton::http::event_stream events_;
  boost::asio::steady_timer timer_;
  std::uint64_t next_ = 1;
};

/// Gives back whatever it is sent.
void add_echo(baton::http::service& web, const settings& wanted) {
  web.websocket("/ws",
                {.subprotocols = {"echo"},
                 .check_origin = baton::http::any_origin,
                 .compression = {.enabled = wanted.ws_deflate,
                                 .server_context_takeover = true,
                                 .client_context_takeover = true}},
                {.message = [](baton::http::websocket& socket, std::string_view payload,
                               baton::http::message_kind kind) { socket.send(payload, kind); }});
}

void add_routes(baton::http::service& web) {
  web.get("/ping", [](const request&) {
    return response::text(fmt::format("pong by pid:{}\n", ::getpid()));
  });
  web.any("/echo", [](const request& asked) { return response::text(std::string{asked.body()}); });
  web.get("/bytes/{count}", bytes);
  web.get("/slow/{ms}", slow);
  web.get("/stream/{lines}", stream);
  const auto take_upload = [](const request&, baton::http::body_reader body, responder done) {
    std::make_shared<upload>(std::move(body), std::move(done))->read();
  };
  web.post("/upload", take_upload);
  web.put("/upload", take_upload);
  web.get("/events", [](const request& asked, responder done) {
    std::make_shared<ticks>(asked, std::move(done))->tick();
  });
}

std::string listen_address(const settings& wanted, std::uint16_t port) {
  const bool bare_ipv6 =
      wanted.address.find(':') != std::string::npos && wanted.address.front() != '[';
  return bare_ipv6 ? fmt::format("[{}]:{}", wanted.address, port)
                   : fmt::format("{}:{}", wanted.address, port);
}

baton::net::tls_options tls(const settings& wanted) {
  baton::net::tls_options made{
      .certificates = {{.certificate = wanted.certificate, .key = wanted.key}}};
  if (!wanted.client_ca.empty()) {
    made.mode = baton::net::tls_mode::mutual;
    made.ca = wanted.client_ca;
  }
  return made;
}

/// A port for each protocol, from the first port on.
void listen_for_each(baton::http::service& web, const settings& wanted) {
  std::vector<baton::http::protocol> protocols;
  for (const auto& name : wanted.protocols) protocols.push_back(baton::http::parse_protocol(name));
  baton::net::listener_options first{.address = listen_address(wanted, wanted.ports.front()),
                                     .max_connections = wanted.max_connections};
  if (!wanted.certificate.empty()) first.tls = tls(wanted);
  web.listen(first, protocols);
}

/// Everything on each port; those without TLS, and one with it.
void listen_for_all(baton::http::service& web, const settings& wanted) {
  for (const auto port : wanted.ports)
    web.listen(
        {.address = listen_address(wanted, port), .max_connections = wanted.max_connections});
  if (wanted.certificate.empty()) return;
  web.listen({.address = listen_address(wanted, wanted.tls_port),
              .name = "tls",
              .max_connections = wanted.max_connections,
              .tls = tls(wanted)});
}

/// Stands for a program that takes its time to start.
void warm_up(baton::server& server, std::chrono::milliseconds delay) {
  using namespace std::chrono_literals;
  while (delay > 0ms) {
    const auto piece = std::min(delay, std::chrono::milliseconds{500});
    std::this_thread::sleep_for(piece);
    delay -= piece;
    server.progress("warming up");
  }
}

int serve(const settings& wanted) {
  baton::server server{wanted.server};
  baton::http::service web{server};
  add_routes(web);
  add_echo(web, wanted);
  chat talk{server, web};
  wanted.protocols.empty() ? listen_for_all(web, wanted) : listen_for_each(web, wanted);
  warm_up(server, wanted.ready_delay);
  return server.run();
}

int read_and_serve(int argc, char** argv) {
  settings wanted;
  CLI::App flags{
      "Two HTTP servers, and one for HTTPS, that restart without losing a client.\n"
      "kill -USR1 PID restarts, kill -QUIT PID drains and leaves."};
  std::int64_t ready_delay = 0;
  double drain_timeout = 30;
  bool supervise = false;
  flags.set_version_flag("--version", "graceful_main " BATON_VERSION);
  flags.add_option("--address", wanted.address, "IP address to listen on, '*' for dual stack")
      ->capture_default_str();
  flags.add_option("--port", wanted.ports, "Port; may be repeated")
      ->capture_default_str()
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  flags.add_option("--tls-port", wanted.tls_port, "Port for HTTPS, HTTP/2 and wss")
      ->capture_default_str();
  auto* const certificate = flags.add_option("--certificate", wanted.certificate,
                                             "PEM file; without it no TLS is served");
  auto* const key = flags.add_option("--key", wanted.key, "PEM file");
  certificate->needs(key);
  key->needs(certificate);
  flags.add_option("--client-ca", wanted.client_ca, "PEM file: clients must show a certificate")
      ->needs(certificate);
  flags
      .add_option("--protocols", wanted.protocols,
                  "A port for each of these instead, from the first --port on: http, https, http2, "
                  "ws, wss, with commas between")
      ->delimiter(',');
  flags.add_flag("--ws-deflate", wanted.ws_deflate,
                 "Compress the messages of /ws for clients that offer it");
  flags.add_option("--threads", wanted.server.threads, "Loops; 0: one for each CPU")
      ->capture_default_str();
  flags.add_option("--max-connections", wanted.max_connections, "Cap of each listener")
      ->capture_default_str();
  flags.add_option("--pid-file", wanted.server.pid_file, "Written when ready");
  flags.add_flag("--supervise", supervise, "Keep a supervisor with a stable pid");
  flags.add_option("--drain-timeout", drain_timeout, "Seconds for open work to finish")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 86400.0));
  flags.add_option("--ready-delay", ready_delay, "Milliseconds of pretended slow start-up")
      ->capture_default_str()
      ->check(CLI::Range(0, 3'600'000));
  CLI11_PARSE(flags, argc, argv);

  wanted.ready_delay = std::chrono::milliseconds{ready_delay};
  wanted.server.drain_timeout =
      std::chrono::milliseconds{static_cast<std::int64_t>(drain_timeout * 1000)};
  if (supervise) wanted.server.supervise = baton::supervise_mode::always;
  return serve(wanted);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return read_and_serve(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "graceful_main: " << error.what() << '\n';
    return 1;
  }
}

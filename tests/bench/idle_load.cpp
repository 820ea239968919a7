// Holds idle connections, each served once: `bench_idle --help`.
#include <fmt/format.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "load/options.hpp"
#include "tls/line.hpp"
#include "tls/process.hpp"

namespace {

using namespace std::string_view_literals;

struct options {
  std::string address = "127.0.0.1:9081";
  std::string protocol = "http1";
  bool tls = false;
  unsigned connections = 1000;
  std::string json;
  bool quiet = false;
};

/// The answer so far.
class answer {
 public:
  explicit answer(bench::line& from) : from_{from} {}
  /// Reads until there are so many bytes, and takes them away.
  std::string take(std::size_t size) {
    while (bytes_.size() < size) read();
    const auto taken = bytes_.substr(0, size);
    bytes_.erase(0, size);
    return taken;
  }
  std::string take_head() {
    std::size_t end = std::string::npos;
    while ((end = bytes_.find("\r\n\r\n")) == std::string::npos) read();
    return take(end + 4);
  }
  [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }

 private:
  void read() {
    char buffer[16384];
    bytes_ += from_.read(buffer);
  }
  bench::line& from_;
  std::string bytes_;
};

void expect(bool met, const char* what) {
  if (!met) throw std::runtime_error{what};
}

void serve_http1(bench::line& on) {
  on.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  answer from{on};
  const auto head = from.take_head();
  const auto length = head.find("Content-Length: ");
  expect(head.starts_with("HTTP/1.1 200 ") && length != head.npos, "not the 200 asked for");
  from.take(std::stoul(head.substr(length + 16)));
  expect(from.empty(), "more than was asked for");
}

/// A message there and back (RFC 6455).
void serve_websocket(bench::line& on) {
  on.write(
      "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
  answer from{on};
  expect(from.take_head().starts_with("HTTP/1.1 101 "), "not the 101 asked for");
  on.write("\x81\x85\0\0\0\0hello"sv);  // the key is zero, so the text is as it was
  expect(from.take(7) == "\x81\x05hello"sv, "not the echo of the message");
}

/// A request on stream 1 (RFC 9113): its fields are of HPACK's static table, but the host's value.
void serve_http2(bench::line& on) {
  constexpr char data = 0, headers = 1, settings = 4;
  on.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"sv);
  on.write("\0\0\x0e\1\5\0\0\0\1\x82\x87\x84\x41\x09localhost"sv);
  answer from{on};
  for (bool answered = false; !answered;) {
    const auto frame = from.take(9);
    const auto size =
        static_cast<unsigned char>(frame[1]) * 256U + static_cast<unsigned char>(frame[2]);
    const auto content = from.take(size);
    if (frame[3] == settings && (frame[4] & 1) == 0) on.write("\0\0\0\4\1\0\0\0\0"sv);
    if (frame[3] == headers) expect(content.find('\x88') != content.npos, "not the 200 asked for");
    answered = (frame[3] == data || frame[3] == headers) && (frame[4] & 1) != 0;
  }
}

struct protocol {
  std::string_view name;
  std::string_view alpn;
  void (*serve)(bench::line&);
};
constexpr protocol protocols[] = {{"http1", "http/1.1", serve_http1},
                                  {"http2", "h2", serve_http2},
                                  {"websocket", "http/1.1", serve_websocket}};

options read_options(int argc, char** argv) {
  options read;
  CLI::App app{
      "Connects again and again, has each connection served once, and holds all of them until "
      "SIGTERM. Exit status 0 only if all were served and none was closed meanwhile."};
  app.add_option("--address", read.address, "127.0.0.1:PORT")->capture_default_str();
  app.add_option("--protocol", read.protocol)
      ->check(CLI::IsMember({"http1", "http2", "websocket"}))
      ->capture_default_str();
  app.add_flag("--tls", read.tls);
  app.add_option("--connections", read.connections)->capture_default_str();
  app.add_option("--json", read.json, "write the report to this file as well");
  app.add_flag("--quiet", read.quiet, "no report on standard output");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error) == 0 ? 0 : 2);
  }
  return read;
}

std::vector<bench::line> open(const options& how) {
  const auto to = bench::parse_destination(how.address);
  const auto context = bench::make_context({});
  const auto& chosen = *std::find_if(std::begin(protocols), std::end(protocols),
                                     [&](const auto& each) { return each.name == how.protocol; });
  std::vector<bench::line> held;
  held.reserve(how.connections);
  while (held.size() < how.connections && !bench::stop) {
    auto& one =
        how.tls ? held.emplace_back(to, *context, chosen.alpn, nullptr) : held.emplace_back(to);
    chosen.serve(one);
  }
  return held;
}

/// Until a signal says so.
void hold() {
  sigset_t ends, before;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &ends, &before);
  while (!bench::stop) ::sigsuspend(&before);
}

}  // namespace

int main(int argc, char** argv) {
  const auto how = read_options(argc, argv);
  bench::set_up_process("bench_idle", -1);
  try {
    const auto held = open(how);
    fmt::print(stderr, "ready: {} connections\n", held.size());
    hold();
    const auto closed = std::count_if(held.begin(), held.end(),
                                      [](const bench::line& each) { return !each.quiet(); });
    const auto report =
        fmt::format("{{\"connections\": {}, \"failed\": {}}}\n", held.size(), closed);
    if (!how.quiet) fmt::print("{}", report);
    if (!how.json.empty() && !bench::write_file("bench_idle", how.json, report)) return 2;
    return closed == 0 && held.size() == how.connections ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_idle: {}\n", error.what());
    return 2;
  }
}

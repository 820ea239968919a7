#include "options.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <stdexcept>

namespace bench {
namespace {

destination parse_unix(const std::string& path, const std::string& text) {
  destination to;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    throw std::invalid_argument("the unix path in \"" + text + "\" is empty or too long");
  std::memcpy(address.sun_path, path.data(), path.size());
  const bool abstract = path[0] == '@';
  if (abstract) address.sun_path[0] = '\0';
  to.length =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + (abstract ? 0 : 1));
  std::memcpy(&to.bytes, &address, sizeof address);
  return to;
}

void add_groups(load_options& options, const std::vector<std::uint32_t>& counts,
                std::uint32_t depth, std::uint32_t think_ms) {
  const std::chrono::milliseconds think{think_ms};
  const behaviour kinds[] = {
      {.name = "keep-alive", .connections = counts[0]},
      {.name = "one-shot", .connections = counts[1], .one_shot = true},
      {.name = "pipelined", .connections = counts[2], .depth = depth},
      {.name = "thinking", .connections = counts[3], .think = think},
      {.name = "idle", .connections = counts[4], .idle = true},
  };
  for (const auto& kind : kinds)
    if (kind.connections > 0) options.groups.push_back(kind);
  if (options.groups.empty()) options.groups.push_back({.name = "keep-alive", .connections = 1});
}

}  // namespace

destination parse_destination(const std::string& text) {
  if (text.rfind("unix:", 0) == 0) return parse_unix(text.substr(5), text);
  const auto colon = text.rfind(':');
  unsigned port = 0;
  if (colon != std::string::npos)
    std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
  if (port == 0 || port > 65535)
    throw std::invalid_argument("\"" + text + "\" has no port: write 127.0.0.1:9090 or unix:/path");
  auto host = text.substr(0, colon);
  destination to;
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(static_cast<std::uint16_t>(port));
    to.loopback_v4 = (ntohl(v4.sin_addr.s_addr) >> 24) == 127;
    to.length = sizeof v4;
    std::memcpy(&to.bytes, &v4, sizeof v4);
  } else if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(static_cast<std::uint16_t>(port));
    to.length = sizeof v6;
    std::memcpy(&to.bytes, &v6, sizeof v6);
  } else {
    throw std::invalid_argument("\"" + host + "\" is no numeric IP address");
  }
  return to;
}

load_options read_options(int argc, char** argv) {
  load_options options;
  std::vector<std::uint32_t> counts(5, 0);
  std::uint32_t depth = 16;
  std::uint32_t think_ms = 50;
  std::int64_t deadline_ms = options.deadline.count();
  CLI::App app{
      "A strict HTTP/1.1 load client: every answer is checked, every failure is counted "
      "by its kind. Exit status 0 only if nothing failed."};
  app.add_option("--address", options.address, "127.0.0.1:PORT, [::1]:PORT, unix:/path, unix:@name")
      ->capture_default_str();
  app.add_option("--path", options.path, "request target")->capture_default_str();
  app.add_option("--host", options.host, "Host header")->capture_default_str();
  app.add_option("--keep-alive", counts[0], "connections: request, answer, request, ...");
  app.add_option("--one-shot", counts[1], "loops that open a connection for each request");
  app.add_option("--pipelined", counts[2], "connections that send --depth requests at once");
  app.add_option("--thinking", counts[3], "keep-alive connections that pause --think ms");
  app.add_option("--idle", counts[4], "connections held open after one request each");
  app.add_option("--depth", depth)->check(CLI::Range(1U, 1024U))->capture_default_str();
  app.add_option("--think", think_ms, "milliseconds")->capture_default_str();
  app.add_option("--duration", options.duration, "seconds (SIGINT and SIGTERM end the run early)")
      ->capture_default_str();
  app.add_option("--requests", options.requests, "end after so many requests");
  app.add_option("--deadline", deadline_ms, "milliseconds; later answers are failures")
      ->capture_default_str();
  app.add_option("--ramp", options.ramp, "connections that may wait for their first answer at once")
      ->check(CLI::Range(1U, 1'000'000U))
      ->capture_default_str();
  app.add_option("--threads", options.threads)->check(CLI::Range(1U, 64U))->capture_default_str();
  app.add_option("--pin", options.pin, "CPU of the first thread; the next threads take the next");
  app.add_option("--status", options.status, "expected status")->capture_default_str();
  app.add_option("--body-size", options.body_size, "expected body length");
  app.add_option("--body-prefix", options.body_prefix, "expected beginning of each body");
  app.add_flag("--constant-body", options.constant_body, "each body must equal the first one");
  app.add_option("--json", options.json, "write the report to this file as well");
  app.add_flag("--quiet", options.quiet, "no report on standard output");
  try {
    app.parse(argc, argv);
    parse_destination(options.address);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error) == 0 ? 0 : 2);
  } catch (const std::invalid_argument& error) {
    std::fprintf(stderr, "bench_load: %s\n", error.what());
    std::exit(2);
  }
  options.deadline = std::chrono::milliseconds{deadline_ms};
  add_groups(options, counts, depth, think_ms);
  return options;
}

}  // namespace bench

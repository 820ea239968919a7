// How long a scrape takes and what the statistics hold in memory: a server with many listeners,
// each of which has answered, and its metrics collected and written down again and again.
//
//     bench_scrape --listeners 1000 --rounds 100
//
// Prints JSON: families, series, bytes, and milliseconds (best, median, worst) for each format.
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "baton/admin/metrics.hpp"
#include "baton/base/error.hpp"
#include "baton/base/unique_fd.hpp"
#include "baton/http/service.hpp"
#include "baton/server/server.hpp"

namespace {

using clock_type = std::chrono::steady_clock;

std::string address(unsigned listener) {
  return fmt::format("@baton-bench-scrape-{}-{}", ::getpid(), listener);
}

/// Asks listener `number` for a page that is there and one that is not.
void ask(unsigned number) {
  const auto name = address(number);
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path + 1, name.data() + 1, name.size() - 1);
  const baton::unique_fd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  constexpr std::string_view asked =
      "GET / HTTP/1.1\r\nHost: h\r\n\r\nPOST /nowhere HTTP/1.1\r\nHost: h\r\nConnection: "
      "close\r\n\r\n";
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), length) != 0 ||
      ::send(socket.get(), asked.data(), asked.size(), MSG_NOSIGNAL) < 0)
    throw std::runtime_error{"cannot ask " + name};
  char answer[4096];
  while (::recv(socket.get(), answer, sizeof answer, 0) > 0) {
  }
}

std::string measure(const baton::admin::metrics& of, unsigned rounds, const char* name,
                    std::string (*write)(const baton::admin::metrics&)) {
  std::vector<double> took;
  std::size_t bytes = 0;
  for (unsigned i = 0; i < rounds; ++i) {
    const auto from = clock_type::now();
    bytes = write(of).size();
    took.push_back(std::chrono::duration<double, std::milli>(clock_type::now() - from).count());
  }
  std::sort(took.begin(), took.end());
  return fmt::format(
      "\"{}\": {{\"bytes\": {}, \"best_ms\": {:.3f}, \"median_ms\": {:.3f}, \"worst_ms\": {:.3f}}}",
      name, bytes, took.front(), took[took.size() / 2], took.back());
}

void report(const baton::admin::metrics& of, unsigned listeners, unsigned rounds) {
  const auto families = of.collect();
  std::size_t series = 0;
  for (const auto& each : families)
    for (const auto& metric : each.metric)
      series +=
          each.type == prometheus::MetricType::Histogram ? metric.histogram.bucket.size() + 3 : 1;
  using baton::admin::exposition;
  using baton::admin::metrics;
  fmt::print("{{\"listeners\": {}, \"families\": {}, \"series\": {},\n {},\n {},\n {}}}\n",
             listeners, families.size(), series,
             measure(of, rounds, "prometheus",
                     [](const metrics& from) { return from.text(exposition::prometheus); }),
             measure(of, rounds, "openmetrics",
                     [](const metrics& from) { return from.text(exposition::openmetrics); }),
             measure(of, rounds, "json", [](const metrics& from) { return from.json(); }));
}

}  // namespace

int main(int argc, char** argv) {
  unsigned listeners = 1000;
  unsigned rounds = 100;
  baton::server_options options;
  CLI::App app{"How long a scrape of many listeners' metrics takes"};
  app.add_option("--listeners", listeners)->capture_default_str();
  app.add_option("--rounds", rounds)->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--threads", options.threads)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    baton::server server{options};
    baton::http::service web{server};
    for (unsigned i = 0; i < listeners; ++i)
      web.listen({.address = address(i), .name = fmt::format("listener-{}", i)});
    web.get("/", [](const auto&) { return baton::http::response::text("hello"); });
    baton::admin::metrics metrics{server};
    metrics.watch(web);
    // Who connects before the start waits in the backlog.
    std::thread client{[&] {
      for (unsigned i = 0; i < listeners; ++i) ask(i);
      report(metrics, listeners, rounds);
      server.shutdown();
    }};
    server.run();
    client.join();
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_scrape: {}\n", error.what());
    return 1;
  }
  return 0;
}

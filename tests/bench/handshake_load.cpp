// Counts TLS handshakes, full or resumed, each with one request: `bench_handshake --help`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "load/options.hpp"
#include "tls/line.hpp"
#include "tls/process.hpp"

namespace {

using clock = std::chrono::steady_clock;

constexpr std::string_view request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

struct options {
  std::string address = "127.0.0.1:9443";
  std::string version = "1.3";
  bool resume = false;
  unsigned connections = 8;
  double duration = 5;
  int pin = -1;
  std::string json;
  bool quiet = false;
};

struct tally {
  std::uint64_t handshakes = 0;
  std::map<std::string, std::uint64_t> failed;
};

/// One connection after the other, each with the newest ticket if it is to resume.
class client {
 public:
  client(const options& how, const bench::destination& to)
      : how_{how}, to_{to}, context_{bench::make_context(how.version)} {
    SSL_CTX_set_app_data(context_.get(), this);
    SSL_CTX_set_session_cache_mode(context_.get(),
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context_.get(), [](SSL* on, SSL_SESSION* given) {
      static_cast<client*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(on)))->ticket_.reset(given);
      return 1;  // it is ours now
    });
  }
  void run(clock::time_point until) {
    while (clock::now() < until && !bench::stop) {
      try {
        connect();
        ++met.handshakes;
      } catch (const std::runtime_error& error) {
        ++met.failed[error.what()];
      }
    }
  }
  tally met;

 private:
  void connect() {
    const auto ticket = std::move(ticket_);
    const bool resumes = how_.resume && ticket != nullptr;
    bench::line on{to_, *context_, "http/1.1", resumes ? ticket.get() : nullptr};
    if ((SSL_session_reused(on.tls()) == 1) != resumes)
      throw std::runtime_error{resumes ? "not resumed" : "resumed"};
    on.write(request);
    read_answer(on);
    on.end();
  }
  /// The tickets of TLS 1.3 come before it.
  static void read_answer(bench::line& on) {
    char buffer[16384];
    std::string answer;
    std::size_t head = std::string::npos;
    while ((head = answer.find("\r\n\r\n")) == std::string::npos) answer += on.read(buffer);
    const auto length = answer.find("Content-Length: ");
    if (!answer.starts_with("HTTP/1.1 200 ") || length > head)
      throw std::runtime_error{"not the 200 that was asked for"};
    const auto whole = head + 4 + std::stoul(answer.substr(length + 16));
    while (answer.size() < whole) answer += on.read(buffer);
    if (answer.size() != whole) throw std::runtime_error{"more than was asked for"};
  }

  const options& how_;
  const bench::destination& to_;
  bench::tls_context context_;
  bench::tls_ticket ticket_;
};

options read_options(int argc, char** argv) {
  options read;
  CLI::App app{
      "Connects, shakes hands, asks once, and ends, again and again. Exit status 0 only if nothing "
      "failed; a handshake that should have been resumed and was not is a failure."};
  app.add_option("--address", read.address, "127.0.0.1:PORT")->capture_default_str();
  app.add_option("--tls", read.version)
      ->check(CLI::IsMember({"1.2", "1.3"}))
      ->capture_default_str();
  app.add_flag("--resume", read.resume, "all but each client's first handshake");
  app.add_option("--connections", read.connections, "clients at once")->capture_default_str();
  app.add_option("--duration", read.duration, "seconds")->capture_default_str();
  app.add_option("--pin", read.pin, "CPU to run on");
  app.add_option("--json", read.json, "write the report to this file as well");
  app.add_flag("--quiet", read.quiet, "no report on standard output");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error) == 0 ? 0 : 2);
  }
  return read;
}

tally run(const options& how) {
  const auto to = bench::parse_destination(how.address);
  const auto until = clock::now() + std::chrono::duration_cast<clock::duration>(
                                        std::chrono::duration<double>{how.duration});
  std::vector<client> clients;
  clients.reserve(how.connections);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < how.connections; ++i) {
    auto& one = clients.emplace_back(how, to);
    threads.emplace_back([&one, until] { one.run(until); });
  }
  for (auto& each : threads) each.join();
  tally all;
  for (const auto& one : clients) {
    all.handshakes += one.met.handshakes;
    for (const auto& [what, count] : one.met.failed) all.failed[what] += count;
  }
  return all;
}

std::string to_json(const tally& met, double seconds) {
  std::uint64_t failed = 0;
  std::string how;
  for (const auto& [what, count] : met.failed) {
    failed += count;
    how += fmt::format("{}\"{}\": {}", how.empty() ? "" : ", ", what, count);
  }
  return fmt::format(
      "{{\"handshakes\": {}, \"per_second\": {:.1f}, \"failed\": {}, \"how\": {{{}}}}}\n",
      met.handshakes, static_cast<double>(met.handshakes) / seconds, failed, how);
}

}  // namespace

int main(int argc, char** argv) {
  const auto how = read_options(argc, argv);
  bench::set_up_process("bench_handshake", how.pin);
  try {
    const auto started = clock::now();
    const auto met = run(how);
    const auto report = to_json(met, std::chrono::duration<double>(clock::now() - started).count());
    if (!how.quiet) fmt::print("{}", report);
    if (!how.json.empty() && !bench::write_file("bench_handshake", how.json, report)) return 2;
    return met.failed.empty() && met.handshakes > 0 ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_handshake: {}\n", error.what());
    return 2;
  }
}

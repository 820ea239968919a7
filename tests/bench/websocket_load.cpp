// A strict WebSocket load client: `bench_websocket --help`.
#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <exception>
#include <iterator>
#include <string>

#include "websocket/driver.hpp"
#include "websocket/options.hpp"

namespace {

std::atomic<bool> stop{false};

void on_stop_signal(int) { stop.store(true); }

void set_up_process(const bench::echo_options& options) {
  struct sigaction action {};
  action.sa_handler = on_stop_signal;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  if (options.pin < 0) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(options.pin), &set);
  if (const int error = ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set); error != 0)
    fmt::print(stderr, "bench_websocket: CPU {} cannot be used: {}\n", options.pin,
               std::strerror(error));
}

double microseconds(const bench::histogram& latency, double fraction) {
  return static_cast<double>(latency.percentile(fraction)) / 1e3;
}

std::string to_text(const bench::echo_tally& met, double seconds) {
  std::string text;
  const auto out = std::back_inserter(text);
  fmt::format_to(out, "{} echoes in {:.2f} s, {:.0f} a second; {} failed\n", met.echoes, seconds,
                 static_cast<double>(met.echoes) / seconds, met.failed());
  fmt::format_to(out, "  p50 {:.0f}  p99 {:.0f}  p99.9 {:.0f}  max {:.0f} us; {} connects\n",
                 microseconds(met.latency, 0.5), microseconds(met.latency, 0.99),
                 microseconds(met.latency, 0.999), static_cast<double>(met.latency.max()) / 1e3,
                 met.connects);
  for (const auto& [what, name, meaning] : bench::mishap_texts)
    if (met[what] > 0)
      fmt::format_to(out, "  {} {}: {} ({})\n",
                     what < bench::mishap::first_remark ? "FAILED" : "note  ", name, met[what],
                     meaning);
  return text;
}

std::string to_json(const bench::echo_tally& met, double seconds) {
  std::string text;
  const auto out = std::back_inserter(text);
  fmt::format_to(out,
                 "{{\"seconds\": {:.6f}, \"connects\": {}, \"echoes\": {}, \"pings\": {}, "
                 "\"failed\": {}, \"echoes_per_second\": {:.1f},\n \"latency_us\": {{\"p50\": "
                 "{:.3f}, \"p99\": {:.3f}, \"p99.9\": {:.3f}, \"max\": {:.3f}}},\n \"mishaps\": {{",
                 seconds, met.connects, met.echoes, met.pings, met.failed(),
                 static_cast<double>(met.echoes) / seconds, microseconds(met.latency, 0.5),
                 microseconds(met.latency, 0.99), microseconds(met.latency, 0.999),
                 static_cast<double>(met.latency.max()) / 1e3);
  const char* separator = "";
  for (const auto& [what, name, meaning] : bench::mishap_texts) {
    fmt::format_to(out, "{}\"{}\": {}", separator, name, met[what]);
    separator = ", ";
  }
  return text + "}}\n";
}

bool write_file(const std::string& path, const std::string& text) {
  std::FILE* file = std::fopen(path.c_str(), "we");
  const bool written =
      file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const bool closed = file != nullptr && std::fclose(file) == 0;
  if (!written || !closed) fmt::print(stderr, "bench_websocket: cannot write {}\n", path);
  return written && closed;
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = bench::read_echo_options(argc, argv);
  set_up_process(options);
  try {
    bench::echo_driver driver{options, stop};
    driver.run();
    const auto& met = driver.met();
    const double seconds = driver.seconds() > 0 ? driver.seconds() : 1e-9;
    if (!options.quiet) fmt::print("{}", to_text(met, seconds));
    if (!options.json.empty() && !write_file(options.json, to_json(met, seconds))) return 2;
    return met.failed() == 0 && met.echoes > 0 ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_websocket: {}\n", error.what());
    return 2;
  }
}

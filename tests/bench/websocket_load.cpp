// A strict WebSocket load client: `bench_websocket --help`.
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <iterator>
#include <string>

#include "tls/process.hpp"
#include "websocket/driver.hpp"
#include "websocket/options.hpp"

namespace {

constexpr const char* program = "bench_websocket";

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

}  // namespace

int main(int argc, char** argv) {
  const auto options = bench::read_echo_options(argc, argv);
  bench::set_up_process(program, options.pin);
  try {
    bench::echo_driver driver{options, bench::stop};
    driver.run();
    const auto& met = driver.met();
    const double seconds = driver.seconds() > 0 ? driver.seconds() : 1e-9;
    if (!options.quiet) fmt::print("{}", to_text(met, seconds));
    if (!options.json.empty() && !bench::write_file(program, options.json, to_json(met, seconds)))
      return 2;
    return met.failed() == 0 && met.echoes > 0 ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", program, error.what());
    return 2;
  }
}

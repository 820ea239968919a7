// A strict load client of several protocols: `bench_protocol_load --help`.
#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "protocol_load/driver.hpp"
#include "protocol_load/options.hpp"
#include "protocol_load/report.hpp"
#include "tls/process.hpp"

namespace {

constexpr const char* program = "bench_protocol_load";

int run(const bench::protocol_options& options) {
  bench::driver clients{options, bench::stop};
  clients.run();
  if (!options.quiet) fmt::print("{}", bench::to_text(clients));
  if (!options.json.empty() && !bench::write_file(program, options.json, bench::to_json(clients)))
    return 2;
  const auto total = bench::total_of(clients);
  return total.failed() == 0 && total.answered > 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = bench::read_protocol_options(argc, argv);
  bench::set_up_process(program, options.pin);
  try {
    return run(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", program, error.what());
    return 2;
  }
}

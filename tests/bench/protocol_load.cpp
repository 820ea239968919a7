// A strict load client of several protocols: `bench_protocol_load --help`.
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>

#include "protocol_load/driver.hpp"
#include "protocol_load/options.hpp"
#include "protocol_load/report.hpp"

namespace {

std::atomic<bool> stop{false};

void on_stop_signal(int) { stop.store(true); }

void set_up_process(int cpu) {
  struct sigaction action {};
  action.sa_handler = on_stop_signal;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  action.sa_handler = SIG_IGN;  // OpenSSL writes to connections that may have ended
  ::sigaction(SIGPIPE, &action, nullptr);
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  if (cpu < 0) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  if (::sched_setaffinity(0, sizeof set, &set) != 0)
    fmt::print(stderr, "bench_protocol_load: CPU {} cannot be used: {}\n", cpu,
               std::strerror(errno));
}

bool write_file(const std::string& path, const std::string& text) {
  std::FILE* file = std::fopen(path.c_str(), "we");
  const bool written =
      file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const bool closed = file != nullptr && std::fclose(file) == 0;
  if (!written || !closed)
    fmt::print(stderr, "bench_protocol_load: cannot write {}: {}\n", path, std::strerror(errno));
  return written && closed;
}

int run(const bench::protocol_options& options) {
  bench::driver clients{options, stop};
  clients.run();
  if (!options.quiet) fmt::print("{}", bench::to_text(clients));
  if (!options.json.empty() && !write_file(options.json, bench::to_json(clients))) return 2;
  const auto total = bench::total_of(clients);
  return total.failed() == 0 && total.answered > 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = bench::read_protocol_options(argc, argv);
  set_up_process(options.pin);
  try {
    return run(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_protocol_load: {}\n", error.what());
    return 2;
  }
}

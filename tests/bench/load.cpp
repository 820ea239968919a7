// A strict HTTP/1.1 load client: `bench_load --help`.
#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <thread>
#include <vector>

#include "load/driver.hpp"
#include "load/options.hpp"
#include "load/report.hpp"

namespace {

bench::run_state shared;

void on_stop_signal(int) { shared.stop.store(true); }

void set_up_process() {
  struct sigaction action {};
  action.sa_handler = on_stop_signal;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
}

void pin_this_thread(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  if (const int error = ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set); error != 0)
    fmt::print(stderr, "bench_load: CPU {} cannot be used: {}\n", cpu, std::strerror(error));
}

bench::report collect(const bench::load_options& options,
                      const std::vector<std::unique_ptr<bench::driver>>& drivers) {
  bench::report result;
  result.started = shared.started;
  for (const auto& how : options.groups) result.groups.emplace_back(how, bench::tally{});
  std::int64_t last = shared.started;
  for (const auto& one : drivers) {
    for (std::size_t i = 0; i < result.groups.size(); ++i) {
      result.groups[i].second.add(one->groups()[i]->met);
      result.total.add(one->groups()[i]->met);
    }
    last = std::max(last, one->last_answer());
  }
  result.seconds = static_cast<double>(last - shared.started) / 1e9;
  return result;
}

bool write_file(const std::string& path, const std::string& text) {
  std::FILE* file = std::fopen(path.c_str(), "we");
  const bool written =
      file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const bool closed = file != nullptr && std::fclose(file) == 0;
  if (!written || !closed)
    fmt::print(stderr, "bench_load: cannot write {}: {}\n", path, std::strerror(errno));
  return written && closed;
}

int run(const bench::load_options& options) {
  for (const auto& how : options.groups) shared.connections += how.connections;
  shared.started = bench::now_ns();
  std::vector<std::unique_ptr<bench::driver>> drivers;
  const auto threads =
      static_cast<unsigned>(std::min<std::uint64_t>(options.threads, shared.connections));
  for (unsigned i = 0; i < threads; ++i)
    drivers.push_back(std::make_unique<bench::driver>(options, bench::share{i, threads}, shared));
  const auto work = [&](unsigned i) {
    if (options.pin >= 0) pin_this_thread(options.pin + static_cast<int>(i));
    drivers[i]->run();
  };
  std::vector<std::thread> others;
  for (unsigned i = 1; i < threads; ++i) others.emplace_back(work, i);
  work(0);
  for (auto& thread : others) thread.join();

  const auto result = collect(options, drivers);
  drivers.clear();  // their descriptors may be all that there are
  if (!options.quiet) fmt::print("{}", bench::to_text(result));
  if (!options.json.empty() && !write_file(options.json, bench::to_json(result, options))) return 2;
  return result.total.failed() == 0 && result.total.answered > 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = bench::read_options(argc, argv);
  set_up_process();
  try {
    return run(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_load: {}\n", error.what());
    return 2;
  }
}

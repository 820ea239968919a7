#include "baton/admin/health.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "admin/back_office.hpp"
#include "admin/check_schedule.hpp"
#include "admin/judgement.hpp"
#include "admin/loop_lag.hpp"
#include "admin/resources.hpp"
#include "admin/traffic.hpp"
#include "baton/base/error.hpp"
#include "baton/base/log.hpp"
#include "baton/server/server.hpp"

namespace baton::admin {
namespace {

using std::chrono::seconds;
using clock = std::chrono::steady_clock;

/// How often the figures of this process are looked at.
constexpr seconds often{1};
/// What was answered: one figure for each listener, or a thousand.
constexpr seconds at_times{2};
/// Those that cost more: they are counted, not just read.
constexpr seconds seldom{10};
/// How long a run that is under way at the end is waited for.
constexpr std::chrono::milliseconds patience{500};

/// What the threads of checks share with the rest; they may outlive everything else.
struct bench {
  std::mutex mutex;
  std::condition_variable changed;
  check_schedule schedule;
  std::size_t running = 0;
  health_thresholds disk;
  std::function<void()> wake;  // empty once it is over

  void note(std::size_t index, std::uint64_t run, check_result result) {
    const std::scoped_lock lock{mutex};
    if (schedule.complete(index, run, std::move(result), clock::now(),
                          std::chrono::system_clock::now()) &&
        wake)
      wake();
  }
};

check_result threw(std::string_view what) {
  return {.status = health_status::unhealthy, .reason = fmt::format("it threw: {}", what)};
}

void run(const std::shared_ptr<bench>& on, const check_schedule::start& what) {
  const auto complete = [weak = std::weak_ptr{on}, index = what.index,
                         number = what.run](check_result result) {
    if (const auto there = weak.lock()) there->note(index, number, std::move(result));
  };
  try {
    what.call(complete);
  } catch (const std::exception& error) {
    complete(threw(error.what()));
  } catch (...) {
    complete(threw("something that is no std::exception"));
  }
  const std::scoped_lock lock{on->mutex};
  on->schedule.returned(what.index, what.run);
  --on->running;
  on->changed.notify_all();
}

/// On a thread of its own: whatever it does, nothing else waits for it. The bench is locked.
void run_apart(const std::shared_ptr<bench>& on, const check_schedule::start& what) {
  try {
    std::thread{[on, what] { run(on, what); }}.detach();
    ++on->running;
  } catch (const std::system_error& error) {
    on->schedule.returned(what.index, what.run);
    on->schedule.complete(
        what.index, what.run,
        {.status = health_status::unhealthy,
         .reason = fmt::format("there is no thread to run it on: {}", error.what())},
        clock::now(), std::chrono::system_clock::now());
  }
}

check disk_check(const std::shared_ptr<bench>& on, std::string path) {
  return [weak = std::weak_ptr{on}, path = std::move(path)](const check_completion& done) {
    const auto found = disk_usage(path);
    if (!found)
      return done({.status = health_status::unhealthy,
                   .reason = fmt::format("{} cannot be looked at: {}; mend it, or take it off the "
                                         "disk paths",
                                         path, found.error().message())});
    const auto there = weak.lock();
    if (there == nullptr) return;
    health_thresholds limits;
    {
      const std::scoped_lock lock{there->mutex};
      limits = there->disk;
    }
    done(judge(found->share(), limits,
               fmt::format("{} of {} are used at {}", bytes_text(found->used),
                           bytes_text(found->most), path)));
  };
}

std::string disk_name(const std::string& path) { return "disk " + path; }

check_report reported(std::string name, check_result result, clock::time_point begun) {
  return {std::move(name),
          result.status,
          std::move(result.reason),
          result.value,
          std::chrono::duration_cast<std::chrono::microseconds>(clock::now() - begun),
          std::chrono::system_clock::now()};
}

health_status worst_of(const std::vector<check_report>& checks) {
  auto worst = health_status::healthy;
  for (const auto& each : checks) worst = std::max(worst, each.status);
  return worst;
}

double share(std::size_t open, std::size_t most) noexcept {
  return most == 0 ? 0 : static_cast<double>(open) / static_cast<double>(most);
}

check_result judge_usage(const usage& found, const health_thresholds& limits,
                         const std::string& what) {
  if (found.most == 0) return {};
  return judge(found.share(), limits, what);
}

void verify(const health_options& options) {
  verify(options.connections, "connections");
  verify(options.error_rate, "errors");
  verify(options.memory, "memory");
  verify(options.disk, "disk");
  verify(options.descriptors, "descriptors");
  verify(options.loop_lag, "loop_lag");
  if (options.error_window < seconds{1})
    throw setup_error{
        fmt::format("admin: the window of the error rate is {} s; it must be 1 or more",
                    options.error_window.count())};
}

}  // namespace

struct health::implementation {
  implementation(server& of, back_office& where, health_options wanted)
      : on{of}, office{where}, next_check{where.context()}, options{std::move(wanted)}, lag{of} {}

  void add_disks(const std::vector<std::string>& paths);
  void sample();
  void count_answers();
  void count_resources();
  void run_due();
  void evaluate();
  [[nodiscard]] health_report collect();
  [[nodiscard]] check_report connections_of(const std::vector<listener_status>& all);
  [[nodiscard]] check_report errors_of_all();
  [[nodiscard]] health_report report_on(const listener_status& listener);

  server& on;
  back_office& office;
  boost::asio::steady_timer next_check;
  traffic requests;
  std::mutex mutex;  // of what follows
  health_options options;
  error_window errors;
  std::map<std::string, error_window, std::less<>> listener_errors;
  loop_lag lag;
  std::vector<check_report> counted;  // memory and descriptors
  std::vector<std::function<void(health_status, const health_report&)>> callbacks;
  health_status status = health_status::healthy;
  std::shared_ptr<bench> checks = std::make_shared<bench>();
};

health::health(server& on, back_office& where, health_options options) {
  verify(options);
  self_ = std::make_unique<implementation>(on, where, std::move(options));
  self_->add_disks(self_->options.disk_paths);
}

health::~health() { end(); }

void health::implementation::add_disks(const std::vector<std::string>& paths) {
  const std::scoped_lock lock{checks->mutex};
  checks->disk = options.disk;
  for (const auto& each : paths)
    checks->schedule.add(disk_name(each), disk_check(checks, each), options.checks, clock::now());
}

void health::add(std::string name, check run, check_options options) {
  auto& checks = *self_->checks;
  const std::scoped_lock lock{checks.mutex};
  checks.schedule.add(std::move(name), std::move(run), options, clock::now());
  if (checks.wake) checks.wake();
}

void health::add(std::string name, check run) {
  check_options options;
  {
    const std::scoped_lock lock{self_->mutex};
    options = self_->options.checks;
  }
  add(std::move(name), std::move(run), options);
}

void health::on_change(std::function<void(health_status, const health_report&)> callback) {
  const std::scoped_lock lock{self_->mutex};
  self_->callbacks.push_back(std::move(callback));
}

void health::watch(const http::service& requests) { self_->requests.watch(requests); }

void health::begin() {
  auto* const self = self_.get();
  {
    const std::scoped_lock lock{self->checks->mutex};
    self->checks->wake = [self] {
      self->office.post([self] {
        self->run_due();
        self->evaluate();
      });
    };
  }
  self->office.post([self] {
    self->count_resources();
    self->count_answers();
    self->sample();
    self->run_due();
  });
  self->office.every(often, [self] { self->sample(); });
  self->office.every(at_times, [self] { self->count_answers(); });
  self->office.every(seldom, [self] { self->count_resources(); });
}

void health::end() noexcept {
  auto& checks = *self_->checks;
  std::unique_lock lock{checks.mutex};
  if (!std::exchange(checks.wake, nullptr)) return;
  // What a check refers to may end soon after us.
  checks.changed.wait_for(lock, patience, [&] { return checks.running == 0; });
}

void health::implementation::run_due() {
  {
    const std::scoped_lock lock{checks->mutex};
    if (!checks->wake) return;
    for (const auto& each : checks->schedule.due(clock::now())) run_apart(checks, each);
    const auto next = checks->schedule.next();
    if (!next) return;
    next_check.expires_at(*next);
  }
  next_check.async_wait([this](const error_code& error) {
    if (error) return;  // it was set anew
    run_due();
    evaluate();
  });
}

void health::implementation::sample() {
  lag.measure();
  evaluate();
}

void health::implementation::count_answers() {
  const auto now = clock::now();
  const auto counts = requests.counts();
  {
    const std::scoped_lock lock{mutex};
    std::uint64_t answers = 0;
    std::uint64_t failed = 0;
    for (const auto& each : counts) {
      answers += each.answers;
      failed += each.errors;
      const auto [window, fresh] = listener_errors.try_emplace(each.listener);
      // It was not there at the last look: all that it answered came since.
      if (fresh) window->second.note(now - at_times, 0, 0, options.error_window);
      window->second.note(now, each.answers, each.errors, options.error_window);
    }
    errors.note(now, answers, failed, options.error_window);
  }
}

void health::implementation::count_resources() {
  health_options by;
  {
    const std::scoped_lock lock{mutex};
    by = options;
  }
  auto begun = clock::now();
  std::vector<check_report> found;
  const auto memory = memory_usage();
  found.push_back(
      reported("memory",
               judge_usage(memory, by.memory,
                           fmt::format("{} of {} are used ({})", bytes_text(memory.used),
                                       bytes_text(memory.most), memory.limited_by)),
               begun));
  begun = clock::now();
  const auto descriptors = descriptor_usage();
  found.push_back(reported(
      "descriptors",
      judge_usage(descriptors, by.descriptors,
                  fmt::format("{} of {} descriptors are open", descriptors.used, descriptors.most)),
      begun));
  const std::scoped_lock lock{mutex};
  counted = std::move(found);
}

/// The fullest of all gates speaks for all.
check_report health::implementation::connections_of(const std::vector<listener_status>& all) {
  const auto begun = clock::now();
  auto open = on.connections();
  auto cap = on.options().max_connections;
  std::string where = "of the process";
  for (const auto& each : all) {
    if (share(each.connections, each.max_connections) <= share(open, cap)) continue;
    open = each.connections;
    cap = each.max_connections;
    where = fmt::format("of the listener '{}'", each.name);
  }
  return reported("connections",
                  judge(share(open, cap), options.connections,
                        fmt::format("{} of {} connections {} are open", open, cap, where)),
                  begun);
}

/// The worst listener speaks for all: many good answers elsewhere must not hide it.
check_report health::implementation::errors_of_all() {
  const auto begun = clock::now();
  auto worst = errors.judge(options);
  for (const auto& [name, window] : listener_errors) {
    auto found = window.judge(options);
    if (found.status <= worst.status) continue;
    worst = std::move(found);
    worst.reason = fmt::format("the listener '{}': {}", name, worst.reason);
  }
  return reported("errors", std::move(worst), begun);
}

health_report health::implementation::report_on(const listener_status& listener) {
  health_report made;
  auto begun = clock::now();
  made.checks.push_back(
      reported("connections",
               judge(share(listener.connections, listener.max_connections), options.connections,
                     fmt::format("{} of {} connections are open", listener.connections,
                                 listener.max_connections)),
               begun));
  begun = clock::now();
  const auto window = listener_errors.find(listener.name);
  made.checks.push_back(reported(
      "errors", window == listener_errors.end() ? check_result{} : window->second.judge(options),
      begun));
  made.status = worst_of(made.checks);
  return made;
}

health_report health::implementation::collect() {
  const auto listeners = on.listeners();
  health_report all;
  {
    const std::scoped_lock lock{mutex};
    all.checks.push_back(connections_of(listeners));
    all.checks.push_back(errors_of_all());
    const auto begun = clock::now();
    const auto waits = lag.worst().count();
    all.checks.push_back(reported(
        "loop_lag",
        judge(waits, options.loop_lag,
              fmt::format("a task waits {:.3f} s for its turn on the busiest loop", waits)),
        begun));
    all.checks.insert(all.checks.end(), counted.begin(), counted.end());
  }
  {
    const std::scoped_lock lock{checks->mutex};
    for (auto& each : checks->schedule.reports()) all.checks.push_back(std::move(each));
  }
  all.status = worst_of(all.checks);
  return all;
}

void health::implementation::evaluate() {
  const auto now = collect();
  health_status before{};
  std::vector<std::function<void(health_status, const health_report&)>> told;
  {
    const std::scoped_lock lock{mutex};
    before = std::exchange(status, now.status);
    if (before != now.status) told = callbacks;
  }
  if (before == now.status) return;
  std::string reasons;
  for (const auto& each : now.checks)
    if (each.status != health_status::healthy)
      reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : "; ", each.name, each.reason);
  log_notice(fmt::format("health: {} after {}{}{}", to_string(now.status), to_string(before),
                         reasons.empty() ? "" : ": ", reasons),
             {{"event", "health"}, {"status", to_string(now.status)}});
  for (const auto& each : told) each(before, now);
}

health_report health::current() const { return self_->collect(); }

std::optional<health_report> health::current(std::string_view listener) const {
  const auto all = self_->on.listeners();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.name == listener; });
  if (found == all.end()) return std::nullopt;
  const std::scoped_lock lock{self_->mutex};
  return self_->report_on(*found);
}

std::vector<std::pair<std::string, health_report>> health::listeners() const {
  std::vector<std::pair<std::string, health_report>> reports;
  const auto all = self_->on.listeners();
  const std::scoped_lock lock{self_->mutex};
  for (const auto& each : all) reports.emplace_back(each.name, self_->report_on(each));
  return reports;
}

void health::update(const health_options& options) {
  verify(options);
  const std::scoped_lock lock{self_->mutex, self_->checks->mutex};
  auto& schedule = self_->checks->schedule;
  const auto& before = self_->options.disk_paths;
  const auto has = [](const std::vector<std::string>& paths, const std::string& path) {
    return std::find(paths.begin(), paths.end(), path) != paths.end();
  };
  for (const auto& each : options.disk_paths) {
    if (!has(before, each))
      schedule.add(disk_name(each), disk_check(self_->checks, each), options.checks, clock::now());
    else
      schedule.set_options(disk_name(each), options.checks);
  }
  for (const auto& each : before)
    if (!has(options.disk_paths, each)) schedule.remove(disk_name(each));
  self_->options = options;
  self_->checks->disk = options.disk;
  if (self_->checks->wake) self_->checks->wake();
}

}  // namespace baton::admin

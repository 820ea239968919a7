#include "baton/admin/health.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/steady_timer.hpp>
#include <exception>
#include <map>
#include <mutex>
#include <utility>

#include "admin/back_office.hpp"
#include "admin/check_bench.hpp"
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

/// The checks that are not run on the bench.
constexpr std::array<std::string_view, 5> built_in{"connections", "errors", "loop_lag", "memory",
                                                   "descriptors"};

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

using health_callback = std::function<void(health_status, const health_report&)>;

void tell(const health_callback& whom, health_status before, const health_report& now) {
  try {
    whom(before, now);
  } catch (const std::exception& error) {
    log_error(fmt::format("health: a callback of the program threw: {}", error.what()));
  } catch (...) {
    log_error("health: a callback of the program threw something that is no std::exception");
  }
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

  void sample();
  void note(error_window& in, clock::time_point now, std::uint64_t answers,
            std::uint64_t failed) const;
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
  std::vector<health_callback> callbacks;
  health_status status = health_status::healthy;
  std::shared_ptr<check_bench> checks = std::make_shared<check_bench>();
};

health::health(server& on, back_office& where, health_options options) {
  verify(options);
  self_ = std::make_unique<implementation>(on, where, std::move(options));
  self_->checks->set_disks(self_->options);
}

health::~health() { end(); }

void health::add(std::string name, check run, check_options options) {
  if (std::find(built_in.begin(), built_in.end(), name) != built_in.end())
    throw setup_error{fmt::format(
        "admin: the health check '{}' is there already, since it is one of baton's own; give yours "
        "another name",
        name)};
  self_->checks->add(std::move(name), std::move(run), options);
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
  self->checks->open([self] {
    self->office.post([self] {
      self->run_due();
      self->evaluate();
    });
  });
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

void health::end() noexcept { self_->checks->close(); }

void health::implementation::run_due() {
  const auto next = checks->run_due();
  if (!next) return;
  next_check.expires_at(*next);
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

/// Who is looked at for the first time was not there at the last look: all his answers came since.
void health::implementation::note(error_window& in, clock::time_point now, std::uint64_t answers,
                                  std::uint64_t failed) const {
  if (in.empty()) in.note(now - at_times, 0, 0, options.error_window);
  in.note(now, answers, failed, options.error_window);
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
      note(listener_errors[each.listener], now, each.answers, each.errors);
    }
    note(errors, now, answers, failed);
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
  for (auto& each : checks->reports()) all.checks.push_back(std::move(each));
  all.status = worst_of(all.checks);
  return all;
}

void health::implementation::evaluate() {
  const auto now = collect();
  health_status before{};
  std::vector<health_callback> told;
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
  for (const auto& each : told) tell(each, before, now);
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
  self_->checks->set_disks(options);
  const std::scoped_lock lock{self_->mutex};
  self_->options = options;
}

}  // namespace baton::admin

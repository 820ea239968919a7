#include "admin/check_bench.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <system_error>
#include <thread>
#include <utility>

#include "admin/judgement.hpp"
#include "admin/resources.hpp"
#include "baton/base/error.hpp"

namespace baton::admin {
namespace {

/// How long a run that is under way at the end is waited for.
constexpr std::chrono::milliseconds patience{500};

check_result threw(std::string_view what) {
  return {.status = health_status::unhealthy, .reason = fmt::format("it threw: {}", what)};
}

std::string disk_name(const std::string& path) { return "disk " + path; }

bool has(const std::vector<std::string>& paths, const std::string& path) {
  return std::find(paths.begin(), paths.end(), path) != paths.end();
}

}  // namespace

void check_bench::add(std::string name, admin::check run, check_options options) {
  const std::scoped_lock lock{mutex_};
  schedule_.add(std::move(name), std::move(run), options, clock::now());
  if (wake_) wake_();
}

void check_bench::set_disks(const health_options& by) {
  const std::scoped_lock lock{mutex_};
  std::vector<std::string> added;
  try {
    for (const auto& each : by.disk_paths) {
      if (has(disk_paths_, each)) continue;
      schedule_.add(disk_name(each), disk_check(each), by.checks, clock::now());
      added.push_back(each);
    }
    for (const auto& each : disk_paths_) schedule_.set_options(disk_name(each), by.checks);
  } catch (const std::exception&) {
    for (const auto& each : added) schedule_.remove(disk_name(each));
    throw;
  }
  for (const auto& each : disk_paths_)
    if (!has(by.disk_paths, each)) schedule_.remove(disk_name(each));
  disk_paths_ = by.disk_paths;
  disk_ = by.disk;
  if (wake_) wake_();
}

void check_bench::open(std::function<void()> wake) {
  const std::scoped_lock lock{mutex_};
  wake_ = std::move(wake);
}

void check_bench::close() noexcept {
  std::unique_lock lock{mutex_};
  if (!std::exchange(wake_, nullptr)) return;
  // What a check refers to may end soon after us.
  changed_.wait_for(lock, patience, [this] { return running_ == 0; });
}

std::optional<check_bench::clock::time_point> check_bench::run_due() {
  const std::scoped_lock lock{mutex_};
  if (!wake_) return std::nullopt;
  for (const auto& each : schedule_.due(clock::now())) start(each);
  return schedule_.next();
}

std::vector<check_report> check_bench::reports() const {
  const std::scoped_lock lock{mutex_};
  return schedule_.reports();
}

/// With the lock held.
void check_bench::start(const check_schedule::start& what) {
  try {
    std::thread{[self = shared_from_this(), what] { self->run(what); }}.detach();
    ++running_;
  } catch (const std::system_error& error) {
    schedule_.returned(what.index, what.run);
    schedule_.complete(what.index, what.run,
                       {.status = health_status::unhealthy,
                        .reason = fmt::format("there is no thread to run it on: {}", error.what())},
                       clock::now(), std::chrono::system_clock::now());
  }
}

void check_bench::run(const check_schedule::start& what) {
  const auto complete = [weak = weak_from_this(), index = what.index,
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
  const std::scoped_lock lock{mutex_};
  schedule_.returned(what.index, what.run);
  --running_;
  changed_.notify_all();
}

void check_bench::note(std::size_t index, std::uint64_t run, check_result result) {
  const std::scoped_lock lock{mutex_};
  if (schedule_.complete(index, run, std::move(result), clock::now(),
                         std::chrono::system_clock::now()) &&
      wake_)
    wake_();
}

admin::check check_bench::disk_check(std::string path) {
  return [weak = weak_from_this(), path = std::move(path)](const check_completion& done) {
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
      const std::scoped_lock lock{there->mutex_};
      limits = there->disk_;
    }
    done(judge(found->share(), limits,
               fmt::format("{} of {} are used at {}", bytes_text(found->used),
                           bytes_text(found->most), path)));
  };
}

}  // namespace baton::admin

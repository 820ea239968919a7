#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "admin/check_schedule.hpp"
#include "baton/admin/health_options.hpp"

namespace baton::admin {

/// Where checks are run, each run on a thread of its own: whatever it does, nothing else waits for
/// it.
///
/// Invariants: what a check throws is its result; a run that is under way holds the bench and
/// nothing else of ours, so that it may outlive everything else. Held by a shared_ptr; thread-safe.
class check_bench : public std::enable_shared_from_this<check_bench> {
 public:
  using clock = check_schedule::clock;

  /// Throws setup_error as check_schedule::add does.
  void add(std::string name, admin::check run, check_options options);
  /// The checks of `disk_paths` instead of those before. Throws setup_error; nothing has changed
  /// then.
  void set_disks(const health_options& by);

  /// From now on `wake` is called, on any thread, whenever there is something new: a result, or a
  /// check that may be due.
  void open(std::function<void()> wake);
  /// Nothing is started any more; waits, not for long, for runs that are under way.
  void close() noexcept;

  /// Starts what is due, if the bench is open; when there is something to do again.
  std::optional<clock::time_point> run_due();
  [[nodiscard]] std::vector<check_report> reports() const;

 private:
  void start(const check_schedule::start& what);
  void run(const check_schedule::start& what);
  void note(std::size_t index, std::uint64_t run, check_result result);
  [[nodiscard]] admin::check disk_check(std::string path);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  check_schedule schedule_;
  std::size_t running_ = 0;
  health_thresholds disk_;
  std::vector<std::string> disk_paths_;
  std::function<void()> wake_;  // empty before it is open, and once it is closed
};

}  // namespace baton::admin

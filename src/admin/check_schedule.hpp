#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "baton/admin/health.hpp"

namespace baton::admin {

/// When which check is run, and what it said last. Starts nothing and asks no clock: told the time,
/// it says what is due.
///
/// A check's life: waiting --due--> running --completed--> waiting, or --time-out--> late. A late
/// run that has not returned yet keeps its check from being run again; one that has only not
/// completed does not.
class check_schedule {
 public:
  using clock = std::chrono::steady_clock;
  using time_point = clock::time_point;

  struct start {
    std::size_t index = 0;
    std::uint64_t run = 0;
    admin::check call;
  };

  /// Checks that were added together are run one after another, not all in one instant. Throws
  /// setup_error.
  void add(std::string name, admin::check run, check_options options, time_point now);
  /// Other times for the check called `name`. Throws setup_error.
  void set_options(std::string_view name, check_options options);
  void remove(std::string_view name);

  /// What is to be started now. Runs that are beyond their time are unhealthy from now on.
  [[nodiscard]] std::vector<start> due(time_point now);
  /// When `due` has something to do again; nothing without checks.
  [[nodiscard]] std::optional<time_point> next() const;

  /// A run has its result. False if it comes too late, or a second time: then it is ignored.
  bool complete(std::size_t index, std::uint64_t run, check_result result, time_point now,
                std::chrono::system_clock::time_point at);
  /// The call of a run came back; it may complete later.
  void returned(std::size_t index, std::uint64_t run);

  [[nodiscard]] std::vector<check_report> reports() const;

 private:
  enum class state : std::uint8_t { waiting, running, late };
  struct entry {
    admin::check call;
    check_options options;
    check_report report;
    time_point due;
    time_point started;
    std::uint64_t run = 0;
    state now = state::waiting;
    bool returned = true;  // the call of the last run
    bool removed = false;
  };
  void time_out(entry& of, time_point now);

  std::deque<entry> entries_;  // an index names a check for good
};

}  // namespace baton::admin

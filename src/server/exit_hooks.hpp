#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace baton {

/// What the program wants done before the process ends: in the order of registration, each at most
/// once, within one deadline for all. A hook that throws is logged and counted; one that hangs past
/// the deadline ends the process with status 1, since a generation must not outlive its drain.
class exit_hooks {
 public:
  using done = std::function<void()>;

  exit_hooks();
  ~exit_hooks();
  exit_hooks(const exit_hooks&) = delete;
  exit_hooks& operator=(const exit_hooks&) = delete;

  void add(std::function<void()> hook);
  /// One that calls what it is given, once, when it is done.
  void add_later(std::function<void(done)> hook, std::chrono::milliseconds timeout);
  /// Calls `over` with how many hooks threw, within the call unless a hook takes its time.
  void run(std::chrono::milliseconds deadline, std::function<void(std::size_t failed)> over);

 private:
  struct course;
  static void go_on(const std::shared_ptr<course>& with);

  std::vector<std::function<void(done)>> hooks_;
  std::chrono::milliseconds longest_{0};
};

}  // namespace baton

#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <vector>

namespace baton {

/// What the program wants done before the process ends: in the order of registration, each at most
/// once, within one deadline for all. A hook that throws is logged and counted; one that hangs past
/// the deadline ends the process with status 1, since a generation must not outlive its drain.
class exit_hooks {
 public:
  void add(std::function<void()> hook) { hooks_.push_back(std::move(hook)); }
  /// Returns how many hooks threw.
  std::size_t run(std::chrono::milliseconds deadline);

 private:
  std::vector<std::function<void()>> hooks_;
};

}  // namespace baton

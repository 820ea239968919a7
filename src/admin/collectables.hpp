#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <chrono>
#include <memory>
#include <vector>

namespace baton::admin {

/// What the program itself tells in metrics.
///
/// Invariants: each is asked on a thread of its own, by one caller at a time; one that throws or
/// does not answer in time is logged, and nothing else is missing because of it. Thread-safe.
class collectables {
 public:
  collectables();
  ~collectables();
  collectables(const collectables&) = delete;
  collectables& operator=(const collectables&) = delete;

  void add(std::shared_ptr<prometheus::Collectable> more);
  /// Asks all of them, and waits for `patience` at most; those that are still at an earlier answer
  /// are left out. In the order in which they were added.
  [[nodiscard]] std::vector<prometheus::MetricFamily> collect(
      std::chrono::steady_clock::duration patience);
  /// Nobody is asked, and nobody waited for any more.
  void end() noexcept;

 private:
  struct board;
  std::shared_ptr<board> board_;  // held also by threads, which may outlive this object
};

}  // namespace baton::admin

#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <vector>

namespace baton {
class server;
}

namespace baton::admin {

/// How long a task waits for its turn on each loop, measured by tasks that do nothing else.
class loop_lag {
 public:
  using clock = std::chrono::steady_clock;

  explicit loop_lag(server& of) : of_{of} {}

  /// Sends a task to each loop that has brought back the one before. The server has started.
  void measure();
  /// On the busiest loop: what the last task waited, or waits by now.
  [[nodiscard]] std::chrono::duration<double> worst() const;

 private:
  /// Outlives this object in tasks that are still on their way.
  struct marks {
    mutable std::mutex mutex;
    clock::time_point sent;
    unsigned round = 0;
    struct loop {
      unsigned answered = 0;
      clock::duration lag{0};
    };
    std::vector<loop> loops;  // by index
  };

  server& of_;
  std::shared_ptr<marks> marks_ = std::make_shared<marks>();
};

}  // namespace baton::admin

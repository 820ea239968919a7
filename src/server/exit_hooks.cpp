#include "server/exit_hooks.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include "baton/base/log.hpp"

namespace baton {
namespace {

/// Ends the process if it is not disarmed in time.
class time_bomb {
 public:
  explicit time_bomb(std::chrono::milliseconds fuse)
      : thread_{[this, fuse] {
          std::unique_lock lock{mutex_};
          if (disarmed_.wait_for(lock, fuse, [this] { return done_; })) return;
          log_error(
              fmt::format("an exit hook did not return within the {} for all hooks; "
                          "leaving without it (server_options::hook_timeout)",
                          fuse));
          flush_logs();
          std::_Exit(1);
        }} {}
  ~time_bomb() {
    {
      const std::scoped_lock lock{mutex_};
      done_ = true;
    }
    disarmed_.notify_one();
    thread_.join();
  }
  time_bomb(const time_bomb&) = delete;
  time_bomb& operator=(const time_bomb&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable disarmed_;
  bool done_ = false;
  std::thread thread_;
};

}  // namespace

std::size_t exit_hooks::run(std::chrono::milliseconds deadline) {
  if (hooks_.empty()) return 0;
  const time_bomb bomb{deadline};
  std::size_t failed = 0;
  for (auto& hook : std::exchange(hooks_, {})) {
    try {
      hook();
    } catch (const std::exception& error) {
      ++failed;
      log_error(fmt::format("an exit hook threw: {}; the others still run", error.what()));
    }
  }
  return failed;
}

}  // namespace baton

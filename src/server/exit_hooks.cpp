#include "server/exit_hooks.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <optional>
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

/// The hooks under way.
struct exit_hooks::course {
  course(std::vector<std::function<void(done)>> those, std::chrono::milliseconds deadline,
         std::function<void(std::size_t)> then)
      : hooks{std::move(those)}, over{std::move(then)}, bomb{std::in_place, deadline} {}

  std::vector<std::function<void(done)>> hooks;
  std::size_t next = 0;
  std::size_t failed = 0;
  std::function<void(std::size_t)> over;
  std::optional<time_bomb> bomb;
};

exit_hooks::exit_hooks() = default;
exit_hooks::~exit_hooks() = default;

void exit_hooks::add(std::function<void()> hook) {
  hooks_.emplace_back([hook = std::move(hook)](const done& then) {
    hook();
    then();
  });
}

void exit_hooks::add_later(std::function<void(done)> hook, std::chrono::milliseconds timeout) {
  hooks_.push_back(std::move(hook));
  longest_ = std::max(longest_, timeout);
}

void exit_hooks::run(std::chrono::milliseconds deadline,
                     std::function<void(std::size_t failed)> over) {
  if (hooks_.empty()) return over(0);
  go_on(std::make_shared<course>(std::exchange(hooks_, {}), std::max(deadline, longest_),
                                 std::move(over)));
}

void exit_hooks::go_on(const std::shared_ptr<course>& with) {
  if (with->next == with->hooks.size()) {
    with->bomb.reset();
    return with->over(with->failed);
  }
  const auto number = with->next;
  // A second word of the same hook, or one behind an exception, changes nothing.
  const auto go_on_once = [with, number] {
    if (with->next != number) return;
    ++with->next;
    go_on(with);
  };
  try {
    with->hooks[number](go_on_once);
  } catch (const std::exception& error) {
    ++with->failed;
    log_error(fmt::format("an exit hook threw: {}; the others still run", error.what()));
    go_on_once();
  }
}

}  // namespace baton

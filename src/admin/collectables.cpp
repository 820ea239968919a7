#include "admin/collectables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <iterator>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "baton/base/log.hpp"

namespace baton::admin {

using families = std::vector<prometheus::MetricFamily>;

struct collectables::board : std::enable_shared_from_this<board> {
  struct entry {
    explicit entry(std::shared_ptr<prometheus::Collectable> of) : from{std::move(of)} {}

    const std::shared_ptr<prometheus::Collectable> from;
    bool asked = false;      // a thread is at it
    bool said_late = false;  // that it is late was logged
    families told;           // by the last answer
  };

  /// With the lock held.
  void ask(entry& of);
  void answer(entry& of) noexcept;
  [[nodiscard]] bool all_told(const std::vector<entry*>& of) const {
    return std::none_of(of.begin(), of.end(), [](const entry* each) { return each->asked; });
  }

  std::mutex one;    // collects
  std::mutex mutex;  // of what follows
  std::condition_variable changed;
  std::deque<entry> entries;  // stay where they are
  bool ended = false;
};

void collectables::board::ask(entry& of) {
  try {
    std::thread{[self = shared_from_this(), &of] { self->answer(of); }}.detach();
    of.asked = true;
  } catch (const std::system_error& error) {
    log_error(fmt::format("metrics: there is no thread to ask a collectable of the program on: {}",
                          error.what()));
  }
}

void collectables::board::answer(entry& of) noexcept {
  families found;
  try {
    found = of.from->Collect();
  } catch (const std::exception& error) {
    log_error(fmt::format("metrics: a collectable of the program threw: {}", error.what()));
  } catch (...) {
    log_error("metrics: a collectable of the program threw something that is no std::exception");
  }
  const std::scoped_lock lock{mutex};
  of.told = std::move(found);
  of.asked = false;
  of.said_late = false;
  changed.notify_all();
}

collectables::collectables() : board_{std::make_shared<board>()} {}

collectables::~collectables() { end(); }

void collectables::add(std::shared_ptr<prometheus::Collectable> more) {
  const std::scoped_lock lock{board_->mutex};
  board_->entries.emplace_back(std::move(more));
}

families collectables::collect(std::chrono::steady_clock::duration patience) {
  auto& there = *board_;
  const std::scoped_lock alone{there.one};
  std::unique_lock lock{there.mutex};
  std::vector<board::entry*> asked;
  for (auto& each : there.entries) {
    if (each.asked || there.ended) continue;
    each.told.clear();
    there.ask(each);
    if (each.asked) asked.push_back(&each);
  }
  there.changed.wait_for(lock, patience, [&] { return there.ended || there.all_told(asked); });
  families told;
  for (auto* const each : asked) {
    if (!each->asked) {
      std::move(each->told.begin(), each->told.end(), std::back_inserter(told));
      continue;
    }
    if (there.ended || std::exchange(each->said_late, true)) continue;
    log_error(
        fmt::format("metrics: a collectable of the program has not answered within {:g} s; its "
                    "families are missing until it does",
                    std::chrono::duration<double>{patience}.count()));
  }
  return told;
}

void collectables::end() noexcept {
  const std::scoped_lock lock{board_->mutex};
  board_->ended = true;
  board_->changed.notify_all();
}

}  // namespace baton::admin

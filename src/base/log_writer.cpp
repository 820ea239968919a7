#include "base/log_writer.hpp"

#include <pthread.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <system_error>
#include <utility>
#include <vector>

namespace baton {
namespace {

using std::chrono::milliseconds;

/// Until a file that cannot be written is tried again.
constexpr milliseconds pause{1000};
constexpr milliseconds last_wait{1000};
/// A buffer that once had to be larger is not kept.
constexpr std::size_t kept = std::size_t{512} * 1024;

/// All writers of the process. Never destroyed: a line may be logged while other static objects go
/// away.
struct writer_list {
  std::mutex mutex;
  std::vector<log_writer*> writers;
};

writer_list& all_writers() {
  static auto* const list = [] {
    auto* made = new writer_list;
    ::pthread_atfork([] { log_writer::before_fork(); }, [] { log_writer::after_fork(false); },
                     [] { log_writer::after_fork(true); });
    static_cast<void>(std::atexit([] { log_writer::flush_all(last_wait); }));
    return made;
  }();
  return *list;
}

/// Signals are for the program's own threads; and a reader that left is EPIPE, never SIGPIPE.
class signals_blocked {
 public:
  signals_blocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~signals_blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  signals_blocked(const signals_blocked&) = delete;
  signals_blocked& operator=(const signals_blocked&) = delete;

 private:
  sigset_t before_{};
};

/// The longest part of `lines` with at most `most` bytes that ends with a line; at least one line.
std::string_view whole_lines(std::string_view lines, std::size_t most) noexcept {
  if (lines.size() <= most) return lines;
  auto end = lines.rfind('\n', most - 1);
  if (end == std::string_view::npos) end = lines.find('\n', most);
  return lines.substr(0, end + 1);
}

std::size_t count_lines(std::string_view text) noexcept {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

log_writer::log_writer(std::shared_ptr<log_file> to, terms how)
    : how_{std::move(how)}, file_{std::move(to)} {
  auto& list = all_writers();
  const std::scoped_lock lock{list.mutex};
  list.writers.push_back(this);
}

log_writer::~log_writer() {
  {
    auto& list = all_writers();
    const std::scoped_lock lock{list.mutex};
    std::erase(list.writers, this);
  }
  flush(last_wait);
  {
    const std::scoped_lock lock{mutex_};
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

log_lane& log_writer::open_lane(log_lane::limits most) {
  const std::scoped_lock lock{mutex_};
  return lanes_.emplace_back(most);
}

void log_writer::call() noexcept {
  {
    const std::scoped_lock lock{mutex_};
    start();
  }
  changed_.notify_one();
}

/// If there can be no thread now, the next line tries again.
void log_writer::start() {
  if (thread_.joinable() || stopping_) return;
  const signals_blocked during;
  try {
    thread_ = std::thread{[this] { run(); }};
  } catch (const std::system_error&) {
    called_ = false;
  }
}

void log_writer::run() {
  ::pthread_setname_np(::pthread_self(), "baton-log");
  std::unique_lock lock{mutex_};
  std::vector<log_lane*> lanes;
  for (;;) {
    changed_.wait(lock, [this] { return called_.load() || urgent_ || stopping_; });
    if (stopping_) return;
    gather(lock);
    // Before the lanes are looked at: whoever comes behind that calls again.
    called_ = false;
    urgent_ = retry_ = false;
    const auto round = ++round_;
    lanes.clear();
    for (auto& each : lanes_) lanes.push_back(&each);
    lock.unlock();
    follow();
    for (auto* each : lanes) write_lane(*each);
    lock.lock();
    over_ = round;
    finished_.notify_all();
  }
}

void log_writer::gather(std::unique_lock<std::mutex>& lock) {
  if (how_.gather.count() == 0) return;
  changed_.wait_for(lock, how_.gather, [this] { return urgent_ || stopping_; });
}

void log_writer::write_lane(log_lane& from) {
  batch_.clear();
  const auto taken = from.take(batch_);
  const auto left = write_all(batch_);
  written_.fetch_add(taken.lines - left, std::memory_order_relaxed);
  dropped_.fetch_add(taken.lost + left, std::memory_order_relaxed);
  if (taken.lost != 0) say({taken.lost, std::exchange(last_error_, 0), file()->name()});
  from.release();
  if (batch_.capacity() > kept) std::string{}.swap(batch_);
}

void log_writer::say(const loss& what) {
  const auto line = how_.say(what);
  if (!line.empty()) static_cast<void>(write_all(line));
}

std::size_t log_writer::write_all(std::string_view lines) {
  auto current = file();
  std::size_t into_line = 0;  // bytes of the first line that are written: the disk was full
  while (!lines.empty()) {
    const auto batch = whole_lines(lines, current->batch_size() + into_line);
    const auto taken = current->write(batch.substr(into_line));
    if (taken > 0) {
      const auto through = into_line + static_cast<std::size_t>(taken);
      const auto whole = batch.substr(0, through).rfind('\n') + 1;  // npos + 1 is 0
      into_line = through - whole;
      lines.remove_prefix(whole);
      continue;
    }
    const int error = taken < 0 ? errno : ENOSPC;
    if (!await_better(error)) return count_lines(lines);
    if (auto now = file(); now != current) {
      current = std::move(now);
      into_line = 0;
    }
  }
  const std::scoped_lock lock{mutex_};
  slow_ = false;
  return 0;
}

bool log_writer::await_better(int error) {
  std::unique_lock lock{mutex_};
  slow_ = true;
  if (error == EAGAIN || error == EWOULDBLOCK) return !stopping_;
  last_error_ = error;
  ++failures_;
  finished_.notify_all();
  // A flush, or another file, asks for the next try at once.
  const auto* const before = file_.get();
  changed_.wait_for(lock, pause, [&] { return retry_ || stopping_ || file_.get() != before; });
  retry_ = false;
  return !stopping_;
}

/// Somebody may have put another file into the place of ours.
void log_writer::follow() {
  const auto current = file();
  if (!current->replaced()) return;
  try {
    redirect(std::make_shared<log_file>(current->path(), "the log file"));
  } catch (const std::exception&) {
    // It cannot be opened: the file that is open takes the lines, and the next round tries again.
  }
}

bool log_writer::flush(milliseconds most) {
  std::unique_lock lock{mutex_};
  if (!thread_.joinable() && !called_.load()) return true;  // nobody ever put anything in
  start();
  const auto wanted = round_ + 1;
  const auto failures = failures_;
  urgent_ = retry_ = true;
  changed_.notify_one();
  finished_.wait_for(lock, most, [&] { return over_ >= wanted || failures_ != failures; });
  return over_ >= wanted;
}

void log_writer::settle(milliseconds most) {
  {
    const std::scoped_lock lock{mutex_};
    if (slow_) return;
  }
  if (flush(most)) return;
  const std::scoped_lock lock{mutex_};
  if (over_ != round_) slow_ = true;
}

void log_writer::redirect(std::shared_ptr<log_file> to) {
  {
    const std::scoped_lock lock{mutex_};
    file_ = std::move(to);
  }
  changed_.notify_one();
}

std::shared_ptr<log_file> log_writer::file() const {
  const std::scoped_lock lock{mutex_};
  return file_;
}

log_statistics log_writer::counts() const noexcept {
  return {written_.load(std::memory_order_relaxed), dropped_.load(std::memory_order_relaxed)};
}

bool log_writer::flush_all(milliseconds most) {
  const auto deadline = clock::now() + most;
  auto& list = all_writers();
  const std::scoped_lock lock{list.mutex};
  bool all = true;
  // The newest first: it may have something to say in an older one, as access logs do.
  for (auto each = list.writers.rbegin(); each != list.writers.rend(); ++each) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - clock::now());
    all = (*each)->flush(std::max(left, milliseconds{0})) && all;
  }
  return all;
}

void log_writer::before_fork() {
  auto& list = all_writers();
  list.mutex.lock();
  for (auto* each : list.writers) {
    each->mutex_.lock();
    for (auto& lane : each->lanes_) lane.lock();
  }
}

void log_writer::after_fork(bool child) {
  auto& list = all_writers();
  for (auto* each : list.writers) {
    for (auto& lane : each->lanes_) lane.unlock();
    if (child) {
      // The thread and its waiters are the parent's. What it had in hand the parent writes.
      for (auto& lane : each->lanes_) lane.forget();
      std::construct_at(&each->thread_);
      std::construct_at(&each->changed_);
      std::construct_at(&each->finished_);
      each->called_ = false;
      each->urgent_ = each->retry_ = false;
      each->over_ = each->round_;
    }
    each->mutex_.unlock();
  }
  list.mutex.unlock();
}

}  // namespace baton

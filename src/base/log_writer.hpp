#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/log_file.hpp"
#include "base/log_lane.hpp"
#include "baton/base/log_options.hpp"

namespace baton {

/// Writes what its lanes hold into a file, on a thread of its own, which starts with the first
/// line.
///
/// Invariants: nobody but that thread ever waits for the file; a line that was taken is written
/// exactly once or counted as dropped; whatever was dropped is said. In a child of fork(2) the
/// thread starts anew.
class log_writer {
 public:
  /// What became of lines that were not written.
  struct loss {
    std::uint64_t lines = 0;
    int error = 0;  ///< errno of the last failure, 0 if the file was only slow
    std::string file;
  };
  struct terms {
    /// Lines gather for this long before they are written together; 0: each at once.
    std::chrono::milliseconds gather{0};
    /// Says a loss, as soon as there is room again (writer's thread): the line it returns is
    /// written, if it returns one.
    std::function<std::string(const loss&)> say;
  };

  log_writer(std::shared_ptr<log_file> to, terms how);
  /// Writes what is there, as far as it goes within a second.
  ~log_writer();
  log_writer(const log_writer&) = delete;
  log_writer& operator=(const log_writer&) = delete;

  /// A lane of this writer; it stays as long as the writer.
  log_lane& open_lane(log_lane::limits most);
  /// Something was put into a lane, or was not because the lane was full.
  void wake() noexcept {
    if (!called_.load(std::memory_order_relaxed) && !called_.exchange(true)) call();
  }

  /// Waits until all that is in the lanes now was written; false after `most`, or at once if the
  /// file cannot be written.
  bool flush(std::chrono::milliseconds most);
  /// As `flush`, but returns at once while the file is known to be slow.
  void settle(std::chrono::milliseconds most);

  void redirect(std::shared_ptr<log_file> to);
  /// The file that lines go to now.
  [[nodiscard]] std::shared_ptr<log_file> file() const;

  [[nodiscard]] log_statistics counts() const noexcept;

  /// `flush` of every writer in the process, all within `most`.
  static bool flush_all(std::chrono::milliseconds most);
  static void before_fork();
  static void after_fork(bool child);

 private:
  using clock = std::chrono::steady_clock;

  void call() noexcept;
  void start();
  void run();
  void gather(std::unique_lock<std::mutex>& lock);
  void write_lane(log_lane& from);
  void say(const loss& what);
  /// Writes `lines` whole, however long it takes; how many were left when told to stop.
  std::size_t write_all(std::string_view lines);
  /// False: told to stop.
  bool await_better(int error);
  void follow();

  const terms how_;
  std::atomic<bool> called_{false};
  std::atomic<std::uint64_t> written_{0};
  std::atomic<std::uint64_t> dropped_{0};

  mutable std::mutex mutex_;
  std::condition_variable changed_;   // something to do
  std::condition_variable finished_;  // a round is over, or failed
  std::shared_ptr<log_file> file_;
  std::deque<log_lane> lanes_;
  std::thread thread_;
  std::uint64_t round_ = 0;     // the one that was begun last
  std::uint64_t over_ = 0;      // the last one that is over
  std::uint64_t failures_ = 0;  // times the file did not take anything
  bool urgent_ = false;         // no gathering
  bool retry_ = false;          // no pause
  bool slow_ = false;
  bool stopping_ = false;

  // The writer's thread alone.
  std::string batch_;
  int last_error_ = 0;
};

}  // namespace baton

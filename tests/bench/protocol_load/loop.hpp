#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace bench {

/// Whoever waits for a descriptor.
class watcher {
 public:
  watcher() = default;
  virtual ~watcher() = default;
  watcher(const watcher&) = delete;
  watcher& operator=(const watcher&) = delete;
  virtual void on_ready(std::uint32_t events) = 0;
};

/// One level-triggered epoll set.
class loop {
 public:
  loop();
  ~loop();
  loop(const loop&) = delete;
  loop& operator=(const loop&) = delete;

  /// Waits so long at most, and serves what is ready.
  void turn(std::int64_t nanoseconds);
  void watch(int fd, bool writable, watcher& who, bool added);
  /// Keeps something until the end of this turn: an event for it may be served still.
  void bury(std::unique_ptr<watcher> gone) { graves_.push_back(std::move(gone)); }
  /// Of this turn, or of the last answer.
  [[nodiscard]] std::int64_t now() const noexcept { return now_; }
  /// Reads the clock anew.
  std::int64_t look() noexcept;

 private:
  std::vector<std::unique_ptr<watcher>> graves_;
  std::int64_t now_ = 0;
  int epoll_ = -1;
};

}  // namespace bench

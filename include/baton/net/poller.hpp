#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <memory>

#include "baton/base/error.hpp"

namespace baton::net {

class poller;

/// Something whose descriptor a poller watches. Lives and dies on the poller's thread.
class pollable {
 public:
  pollable() = default;
  pollable(const pollable&) = delete;
  pollable& operator=(const pollable&) = delete;
  virtual ~pollable() = default;

  /// `events` as in epoll_ctl(2): EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR, EPOLLRDHUP. The object
  /// may retire itself here (`poller::retire`), never delete itself.
  virtual void on_ready(std::uint32_t events) = 0;

 private:
  friend class poller;
  std::uint32_t watch_ = 0;  // index of the registration + 1; 0: not registered
};

/// One level-triggered epoll(7) set, awaited by an io_context through its descriptor.
///
/// Invariants: a pollable is never called after it was removed or retired, not even for an event
/// already fetched, nor for a descriptor kept open by a process that is just being spawned
/// (registrations carry a serial number). Single-threaded: everything runs on the io_context's
/// thread. Between two batches the io_context's other handlers get their turn.
class poller {
 public:
  explicit poller(boost::asio::io_context& context);
  ~poller();
  poller(const poller&) = delete;
  poller& operator=(const poller&) = delete;

  /// Starts to watch `fd`. Errors as epoll_ctl(2) (ENOSPC, ENOMEM, EPERM).
  error_code add(int fd, std::uint32_t events, pollable& target) noexcept;
  error_code modify(int fd, std::uint32_t events, pollable& target) noexcept;
  /// Stops watching; `fd` stays open.
  void remove(int fd, pollable& target) noexcept;

  /// The time in which a descriptor that is watched goes from one pollable to the next.
  ///
  /// Invariants: nobody is called for it meanwhile; whoever wants it takes it over (`take_over`, or
  /// `add` as ever); if nobody did, it is not watched any more when this ends. May be nested.
  class handover {
   public:
    /// `events`: what `fd` is watched for. `from`, which may be unregistered, is so afterwards.
    handover(poller& in, int fd, std::uint32_t events, pollable& from) noexcept;
    ~handover();
    handover(const handover&) = delete;
    handover& operator=(const handover&) = delete;

   private:
    friend class poller;
    poller& in_;
    handover* const behind_;
    int fd_;
    std::uint32_t events_;
    std::uint32_t place_;  // as pollable::watch_
  };
  /// As `add`, for a descriptor that was never closed since it was handed over: then the watch goes
  /// on, without a system call if the events are the same. Without a handover it is `add`.
  error_code take_over(int fd, std::uint32_t events, pollable& target) noexcept;

  /// Forgets `target`'s registration without a system call: for a descriptor that is about to be
  /// closed and has no duplicate anywhere. The object is destroyed after the current batch (in a
  /// later turn of the io_context if no batch runs), and with the poller at the latest.
  void retire(std::unique_ptr<pollable> target) noexcept;

  [[nodiscard]] std::size_t watched() const noexcept;

  /// Within a batch: when the readiness that is being dealt with was learned, one look at the clock
  /// for all that epoll_wait(2) returned at once. Else: now.
  [[nodiscard]] std::chrono::steady_clock::time_point batch_time() noexcept;

  /// Stops awaiting the epoll descriptor so that the io_context can run out of work.
  void close() noexcept;

 private:
  struct implementation;
  [[nodiscard]] handover* handed_over(int fd) const noexcept;
  void end(handover& of) noexcept;

  std::shared_ptr<implementation> self_;
  handover* handovers_ = nullptr;  // the innermost
};

}  // namespace baton::net

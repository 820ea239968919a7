#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <memory>

namespace baton::net {

class timer_wheel;

namespace detail {
/// A place in one of the wheel's circular lists; unlinked: both null.
struct wheel_link {
  wheel_link* next = nullptr;
  wheel_link* previous = nullptr;
};
}  // namespace detail

/// A deadline of one object, as an intrusive node of a wheel: no allocation, no timer of its own.
/// Destroying it cancels it. Lives on the wheel's thread.
class deadline : private detail::wheel_link {
 public:
  deadline() = default;
  deadline(const deadline&) = delete;
  deadline& operator=(const deadline&) = delete;
  virtual ~deadline();
  [[nodiscard]] bool armed() const noexcept { return due_ != 0; }

 protected:
  /// Called once, on the wheel's thread, at or up to one tick after the due time. May re-arm,
  /// cancel, or retire the object that holds the deadline.
  virtual void on_deadline() = 0;

 private:
  friend class timer_wheel;
  std::uint32_t due_ = 0;     // tick; 0: not armed, though the node may still be linked
  std::uint32_t linked_ = 0;  // tick at which the list that holds the node is looked through
};

/// All deadlines of one thread: a hashed wheel with a tick of 50 ms.
///
/// Invariants: never early, at most one tick late (plus the loop's own lag). Pushing a deadline
/// back costs a store, not a relink. An empty wheel causes no wake-ups. Single-threaded.
class timer_wheel {
 public:
  static constexpr std::chrono::milliseconds tick{50};

  explicit timer_wheel(boost::asio::io_context& context);
  ~timer_wheel();
  timer_wheel(const timer_wheel&) = delete;
  timer_wheel& operator=(const timer_wheel&) = delete;

  /// Arms or moves `node` to fire `after` from now.
  void arm(deadline& node, std::chrono::milliseconds after) noexcept;
  void cancel(deadline& node) noexcept;
  /// Counts by walking the wheel: for tests and metrics.
  [[nodiscard]] std::size_t armed() const noexcept;

  /// Stops the wheel's timer so that the io_context can run out of work.
  void close() noexcept;

 private:
  struct implementation;
  std::shared_ptr<implementation> self_;
};

}  // namespace baton::net

#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <vector>

namespace baton::net {

class slot;

/// The counting semaphore in front of accept(2).
///
/// Invariants: at most `capacity` slots are out; whoever holds a connection holds its slot; a gate
/// is empty when it dies (asserted). At the cap nobody calls accept, so excess clients wait in the
/// kernel's backlog and use no descriptor here. A gate may have a parent (the process-wide gate);
/// a slot then counts in both. All members are thread-safe.
class gate {
 public:
  /// `capacity` must be at least 1 (setup_error otherwise). `parent`, if any, outlives this gate.
  explicit gate(std::string name, std::size_t capacity, gate* parent = nullptr);
  gate(const gate&) = delete;
  gate& operator=(const gate&) = delete;
  ~gate();

  /// A slot, or an empty one if this gate or its parent is full. Never blocks.
  [[nodiscard]] slot try_acquire() noexcept;

  /// Calls `wake` (from whatever thread releases a slot; it must only post) once a slot may be
  /// free again. If one is free already, `wake` is called before this returns. `owner` names the
  /// waiter for `forget`. A waiter is woken once and is then forgotten.
  void wait(const void* owner, std::function<void()> wake);
  /// As `wait`, but for a descriptor instead of a slot: calls `wake` once some connection of this
  /// process (of the outermost gate) ends.
  void wait_release(const void* owner, std::function<void()> wake);
  /// Takes a waiter back; afterwards its `wake` is never called. If it had just been woken, the
  /// wake goes to another waiter.
  void forget(const void* owner) noexcept;

  /// For a waiter of `wait_release` that had no use for the descriptor: wakes another one.
  void pass_release_on() noexcept;

  /// Calls `callback` (it must only post) as soon as no slot is out; at once if none is.
  void when_empty(std::function<void()> callback);

  /// May be changed while slots are out; a lower cap takes effect as slots come back.
  void set_capacity(std::size_t capacity);
  [[nodiscard]] std::size_t capacity() const noexcept;
  [[nodiscard]] std::size_t in_use() const noexcept;
  [[nodiscard]] std::size_t waiting() const noexcept;  ///< acceptors held back now
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  friend class slot;
  struct waiter {
    const void* owner;
    std::function<void()> wake;
  };
  using waiters = std::list<waiter>;
  [[nodiscard]] bool full() const noexcept;
  [[nodiscard]] gate& root() noexcept;
  bool take() noexcept;
  void give_back(bool connection_ended) noexcept;
  void after_release(bool connection_ended) noexcept;
  bool enlist(const void* owner, std::function<void()>& wake);
  void settle() noexcept;
  void wake_first(waiters& list) noexcept;

  std::string name_;
  gate* parent_;
  std::atomic<std::size_t> capacity_;
  std::atomic<std::size_t> in_use_{0};
  std::atomic<std::size_t> listeners_{0};  // waiters and when_empty callbacks: the slow path's flag
  mutable std::mutex mutex_;
  waiters waiters_;
  waiters release_waiters_;  // in use at the outermost gate only
  std::vector<std::function<void()>> on_empty_;
};

/// One unit of a gate, given back by the destructor whatever happened. Move-only.
class slot {
 public:
  slot() = default;
  slot(slot&& other) noexcept;
  slot& operator=(slot&& other) noexcept;
  ~slot() { release(); }
  explicit operator bool() const noexcept { return gate_ != nullptr; }
  void release() noexcept;
  /// Gives the unit back unused: no connection came of it, so none ended.
  void put_back() noexcept;

 private:
  friend class gate;
  explicit slot(gate* owner) noexcept : gate_{owner} {}
  gate* gate_ = nullptr;
};

}  // namespace baton::net

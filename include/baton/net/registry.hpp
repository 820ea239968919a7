#pragma once

#include <cstddef>

#include "baton/base/error.hpp"

namespace baton::net {

class registry;

/// Something that lives on a listener and must be told when the process wants to leave: a
/// connection, usually. Three verbs, each harsher than the one before; all are called on the
/// thread of the registry, and the object may remove or retire itself inside any of them.
class drainable {
 public:
  drainable() = default;
  drainable(const drainable&) = delete;
  drainable& operator=(const drainable&) = delete;
  virtual ~drainable();

  /// Tell the client that this connection is about to end (`Connection: close` on the next
  /// response, GOAWAY, close 1001), and keep serving.
  virtual void announce() = 0;
  /// End as soon as no work is open.
  virtual void close_when_idle() = 0;
  /// End now; `reason` goes to the log and the counters.
  virtual void drop(error_code reason) = 0;

 private:
  friend class registry;
  drainable* next_ = nullptr;
  drainable* previous_ = nullptr;  // itself for the first one; null: in no registry
};

/// The drainables of one service on one thread. Intrusive: entering and leaving cost four stores.
/// A verb visits everything that was there when it began, exactly once, whatever the visited
/// objects do to the list meanwhile. Single-threaded.
class registry {
 public:
  registry() noexcept;
  ~registry();
  registry(const registry&) = delete;
  registry& operator=(const registry&) = delete;

  void enter(drainable& item) noexcept;
  void leave(drainable& item) noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  void announce();
  void close_when_idle();
  void drop(error_code reason);

  /// A visit that may be interrupted: sees everything that was there when it began.
  class tour {
   public:
    explicit tour(registry& of) noexcept;
    ~tour();
    tour(const tour&) = delete;
    tour& operator=(const tour&) = delete;
    /// The next one; null at the end.
    [[nodiscard]] drainable* next() noexcept;
    [[nodiscard]] bool done() const noexcept { return at_ == nullptr; }

   private:
    friend class registry;
    registry& of_;
    drainable* at_;
    tour* before_ = nullptr;
    tour* behind_;
  };

 private:
  drainable* first_ = nullptr;
  tour* tours_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace baton::net

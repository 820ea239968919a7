#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <thread>

#include "lineage/spawn.hpp"

namespace baton::lineage {

/// A process that is being started on a thread of its own: for the milliseconds until it has
/// executed it is that thread which stands still, and the loop serves on.
///
/// Invariants: the handler is called once, by the io_context, never inside `start`; a child that
/// the handler was not given is killed and reaped. Lives on the io_context's thread.
class spawning {
 public:
  /// What the thread does: the start and all that it takes. Touches nothing that others may.
  using task = std::function<outcome<spawned>()>;
  using handler = std::function<void(outcome<spawned>)>;

  explicit spawning(boost::asio::io_context& context) : context_{context} {}
  ~spawning() { cancel(); }
  spawning(const spawning&) = delete;
  spawning& operator=(const spawning&) = delete;

  /// Once. `done` may destroy this object.
  void start(task what, handler done);
  void start(prepared_spawn what, handler done);
  /// The handler is not called any more. Waits until the child has executed, and ended.
  void cancel() noexcept;

 private:
  struct attempt;
  void complete();

  boost::asio::io_context& context_;
  std::shared_ptr<attempt> attempt_;
  std::thread thread_;
};

}  // namespace baton::lineage

#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

#include "baton/net/address.hpp"
#include "ondemand/life/life.hpp"

namespace baton::ondemand {

/// What a doorway tells, on the first loop's thread.
struct doorway_events {
  /// Requests wait, behind a door that is closed.
  std::function<void()> wanted = {};
  /// Nobody waits any more.
  std::function<void()> deserted = {};
  /// At one of the doors something was open when `watch` was called, and nothing is any more.
  std::function<void()> emptied = {};
  /// A request could not be passed on although the door is open: is the service there?
  std::function<void(const std::string& why)> suspect = {};
  /// A request was answered, the first one at one of the doors since it was opened.
  std::function<void()> answered = {};
};

/// Where requests go in to one service: all doors of one process, here or elsewhere, or of several.
///
/// Invariants: what is told to it arrives at each door in the order of the calls; an answer is told
/// once, by the io_context, never inside a call. Lives on the first loop's thread.
class doorway {
 public:
  using answer = std::function<void(const traffic&)>;

  doorway() = default;
  virtual ~doorway() = default;
  doorway(const doorway&) = delete;
  doorway& operator=(const doorway&) = delete;

  /// Requests go to `target`, those that wait first.
  virtual void open(const net::address& target) = 0;
  /// The same, while it is not known to be ready: a browser that may be shown how the start goes
  /// waits on.
  virtual void try_out(const net::address& target) = 0;
  /// Requests wait from now on. `closed`: what was let in before.
  virtual void close(answer closed) = 0;
  virtual void ask(answer told) = 0;
  /// Tell `emptied`, of each door where something is open now; `told`: what is, of the same moment.
  virtual void watch(answer told) = 0;
  /// Those that wait are told no: 503.
  virtual void refuse(const std::string& why, std::chrono::milliseconds retry_after) = 0;
  /// The service is there and well, whatever a request met.
  virtual void cleared() = 0;
  /// Requests that wait, as far as is known here.
  [[nodiscard]] virtual std::size_t waiting() const noexcept = 0;
};

/// Both together.
[[nodiscard]] traffic sum(const traffic& one, const traffic& other) noexcept;

}  // namespace baton::ondemand

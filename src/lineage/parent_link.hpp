#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "baton/lineage/inheritance.hpp"
#include "lineage/arrival.hpp"

namespace baton::lineage {

/// A child's end of the handoff channel after its arrival.
///
/// Invariants: a parent that is gone is an event and never an error; no call blocks. Lives on the
/// io_context's thread, or before it runs.
class parent_link {
 public:
  parent_link(boost::asio::io_context& context, unique_fd channel, handoff::process parent,
              std::uint32_t sequence);

  /// Whether the parent waits for `ready` or `fail`.
  [[nodiscard]] bool waits() const noexcept { return waits_; }
  void progress(std::string_view what);
  void fail(std::string_view reason) noexcept;
  void ready();
  /// After `ready`: this process ends on purpose, so the parent need not take its place.
  void leaving();

  /// After `ready`: calls `on_last` and `on_farewell` if the parent says a farewell, and logs the
  /// parent's end.
  void watch(std::function<void(const std::vector<state_blob>&)> on_last,
             std::function<void(std::string_view)> on_farewell);
  void close() noexcept;

 private:
  void send(handoff::type kind, std::string_view payload);
  void await_message();
  void on_readable();
  void take(const handoff::frame& frame);
  void take_state(const handoff::frame& frame);
  void take_farewell(std::string_view text);
  void parent_gone();

  boost::asio::posix::stream_descriptor channel_;
  handoff::process parent_;
  std::uint32_t sequence_;
  bool waits_ = true;
  std::vector<state_blob> last_;
  std::size_t last_room_ = handoff::max_state_bytes;  ///< bytes that may still come
  std::size_t last_missing_ = 0;                      ///< bytes of the last of them
  std::function<void(const std::vector<state_blob>&)> on_last_;
  std::function<void(std::string_view)> on_farewell_;
  /// Expires with this object: a handler that was queued before does nothing.
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace baton::lineage

#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "http/output_buffer.hpp"

namespace baton::http {

class listener_tally;

/// What carries a WebSocket's bytes: an HTTP/1.1 connection behind its 101, or a stream of HTTP/2.
///
/// Invariants: none of these calls the core back, not even if the client is found gone (that is
/// told by `websocket_core::on_lost` in a turn of its own); bytes go out in the order in which they
/// were given. After `finish` or `cut` the core calls nothing here any more. All on one thread.
class websocket_transport {
 public:
  websocket_transport() = default;
  websocket_transport(const websocket_transport&) = delete;
  websocket_transport& operator=(const websocket_transport&) = delete;

  /// Where frames are appended, behind what stands there already. Asked anew for each: it is the
  /// thread's buffer while the transport itself is at work, else one that nobody else writes to.
  [[nodiscard]] virtual output_buffer& output() = 0;
  /// Something was appended. It is sent when the transport's turn (or that of the loop) ends, and
  /// earlier if it has become much. Returns how many bytes wait in memory because the client does
  /// not take them.
  virtual std::size_t written() = 0;
  /// The same for `payload`, behind what was appended: copied only as far as it must wait.
  virtual std::size_t written_with(std::string_view payload) = 0;
  /// The same, and kept by reference as long as it waits.
  virtual std::size_t written_with(std::shared_ptr<const std::string> payload) = 0;

  /// Calls `on_deadline` once, this long from now; takes the place of the last one armed.
  virtual void arm(std::chrono::milliseconds after) = 0;
  virtual void disarm() noexcept = 0;

  /// Everything was said: send what waits, then end, so that no reset overtakes it (throw away what
  /// still comes, for a while).
  virtual void finish() = 0;
  /// End now, without what waits.
  virtual void cut() = 0;

  [[nodiscard]] virtual boost::asio::io_context& context() noexcept = 0;
  /// Where the WebSocket and its messages are counted; null: nowhere.
  [[nodiscard]] virtual listener_tally* tally() noexcept { return nullptr; }

 protected:
  ~websocket_transport() = default;
};

}  // namespace baton::http

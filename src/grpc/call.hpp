#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string_view>

#include "baton/grpc/metadata.hpp"
#include "baton/grpc/status.hpp"
#include "grpc/call_head.hpp"

namespace baton::grpc {

/// Whoever serves a call: told, on the thread of the call's loop, what happens to it. Each may be
/// told within the call of `call` that asked for it.
class call_events {
 public:
  virtual ~call_events() = default;

  /// The message that `call::receive` asked for, unpacked; good during the call.
  virtual void received(std::string_view message) = 0;
  /// Instead of a message: the client has sent its last.
  virtual void half_closed() = 0;
  /// What was sent is on its way so far that the next message may be sent.
  virtual void sent() = 0;
  /// The end, if it was not `call::finish`: the client left or took the call back, what it sent was
  /// wrong, its deadline passed, or the server leaves. The client was told, if it could be. Nothing
  /// follows, and what is still asked of the call does nothing.
  virtual void ended(const status& why) = 0;
};

/// One call as its server sees it, whatever carries it. Belongs to the thread of its loop.
///
/// Invariants: the client hears exactly one status; messages keep their order; what is received
/// and not asked for holds the client back; whoever serves it hears of its end, or ends it, before
/// its loop is gone.
class call {
 public:
  virtual ~call() = default;

  [[nodiscard]] virtual const call_head& head() const noexcept = 0;
  /// The loop that serves it. Not to be used once the call has ended: it may be gone by then.
  [[nodiscard]] virtual boost::asio::io_context& context() const noexcept = 0;

  /// From now on `to` is told. It is let go of when the call has ended.
  virtual void serve_by(std::shared_ptr<call_events> to) = 0;
  /// Asks for the next message; one at a time.
  virtual void receive() = 0;
  /// Sends the header now, with this metadata. Without it the header goes with the first message,
  /// and with none at all when the call fails before (a "Trailers-Only" answer).
  virtual void begin(const metadata& initial) = 0;
  /// One at a time: the next one after `call_events::sent`; `finish` need not wait for it. The
  /// bytes are needed during the call only. A message that is longer than the limit ends the call
  /// with RESOURCE_EXHAUSTED.
  virtual void send(std::string_view message) = 0;
  /// Ends the call.
  virtual void finish(const status& how, const metadata& trailing) = 0;
};

}  // namespace baton::grpc

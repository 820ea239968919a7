#pragma once

#include <cstddef>
#include <memory>

#include "baton/http/websocket.hpp"

namespace baton::http {

class topic_hub;

/// A set of WebSockets, on any threads, that are all sent the same messages.
///
/// Invariants: each subscriber is sent each message that was published after it subscribed and
/// before it left, exactly once unless its backlog has no room, in the order in which one thread
/// published them; a message is prepared once for all (see websocket_message); what was published
/// in one turn of a loop goes to a subscriber with one system call. A socket that ends leaves by
/// itself.
class topic {
 public:
  topic();
  /// Subscribers stay connected and hear no more.
  ~topic();
  topic(const topic&) = delete;
  topic& operator=(const topic&) = delete;

  /// On the socket's thread. A socket that is there already, or not open, is left as it is.
  void subscribe(const websocket& socket);
  void unsubscribe(const websocket& socket);

  /// On any thread. The message is sent on the subscribers' own threads, soon. One that a
  /// subscriber's backlog has no room for is dealt with as its options say. False if a thread is so
  /// far behind that 64 MiB of messages wait for its next turn: its subscribers do not get this
  /// one.
  bool publish(const websocket_message& message);
  /// To all but one: for a client that knows already what it said.
  bool publish(const websocket_message& message, const websocket& except);

  /// Subscribers now, on all threads. On any thread.
  [[nodiscard]] std::size_t size() const noexcept;

 private:
  std::shared_ptr<topic_hub> hub_;
};

}  // namespace baton::http

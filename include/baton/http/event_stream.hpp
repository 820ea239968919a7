#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "baton/http/request.hpp"
#include "baton/http/responder.hpp"

namespace baton::http {

struct event_stream_options {
  /// How long a client waits before it comes back; told at the beginning. Nothing: its own choice.
  std::optional<std::chrono::milliseconds> retry = std::chrono::milliseconds{1000};
  /// A comment is sent when nothing else was for so long, so that proxies keep the connection and
  /// a client that vanished is noticed. 0: none.
  std::chrono::milliseconds heartbeat{std::chrono::seconds{15}};
  /// Beyond this many bytes that the client has not taken, `send` says no.
  std::size_t max_backlog = std::size_t{1024} * 1024;
};

/// One event (WHATWG HTML section 9.2). Lines of `data` are sent as they are split by "\n".
struct server_event {
  std::string_view data = {};
  /// "message" to the client if empty. No line breaks.
  std::string_view event = {};
  /// The client says it in Last-Event-ID when it comes back. No line breaks, no NUL.
  std::string_view id = {};
};

/// Server-sent events to one client: a handle that may be copied and kept, until the client has
/// gone or `close`.
///
/// Belongs to the thread of the request's `context()`. When the server drains, the stream ends
/// behind what was sent; the client comes back after its `retry` and finds the next generation,
/// telling the last id it has seen. It lives as long as a handle of it does.
///
///     web.get("/events", [](const request& asked, responder done) {
///       event_stream events{asked, std::move(done)};
///       events.send({.data = "hello", .id = "1"});
///       subscribers.push_back(events);
///     });
class event_stream {
 public:
  event_stream(const request& asked, responder done, event_stream_options options = {});

  /// Sends an event. False if it was not taken: the client has gone, or has not taken
  /// `max_backlog` bytes. Throws std::invalid_argument if `event` or `id` holds a line break or
  /// NUL.
  bool send(const server_event& what);
  /// A comment, which clients ignore. No line breaks.
  bool comment(std::string_view text = {});
  /// Ends the stream; the client comes back after its `retry`.
  void close();

  /// Called once when the client has gone or the server drains; not after `close`.
  void on_closed(std::function<void()> callback);
  [[nodiscard]] bool is_open() const noexcept;
  /// The id of the last event that the client has seen, as it says; empty on its first visit.
  [[nodiscard]] std::string_view last_event_id() const noexcept;
  /// Bytes that wait for the client.
  [[nodiscard]] std::size_t buffered() const noexcept;

 private:
  class state;
  std::shared_ptr<state> state_;
};

}  // namespace baton::http

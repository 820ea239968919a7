#include "baton/http/statistics.hpp"

#include <algorithm>

namespace baton::http {

listener_statistics& listener_statistics::operator+=(const listener_statistics& other) {
  for (std::size_t method = 0; method < requests.size(); ++method)
    for (std::size_t outcome = 0; outcome < requests[method].size(); ++outcome)
      requests[method][outcome] += other.requests[method][outcome];
  latency += other.latency;
  bytes_in += other.bytes_in;
  bytes_out += other.bytes_out;
  http2_streams_opened += other.http2_streams_opened;
  http2_streams_closed += other.http2_streams_closed;
  websockets_opened += other.websockets_opened;
  websockets_closed += other.websockets_closed;
  websocket_messages_in += other.websocket_messages_in;
  websocket_messages_out += other.websocket_messages_out;
  return *this;
}

namespace {

bool before(const listener_statistics& one, std::string_view name) { return one.listener < name; }

}  // namespace

listener_statistics& statistics::of(std::string_view listener) {
  auto at = listeners.end();
  if (!listeners.empty() && !before(listeners.back(), listener))
    at = std::lower_bound(listeners.begin(), listeners.end(), listener, before);
  if (at != listeners.end() && at->listener == listener) return *at;
  return *listeners.insert(at, listener_statistics{.listener = std::string{listener}});
}

const listener_statistics* statistics::find(std::string_view listener) const noexcept {
  const auto at = std::lower_bound(listeners.begin(), listeners.end(), listener, before);
  return at == listeners.end() || at->listener != listener ? nullptr : &*at;
}

}  // namespace baton::http

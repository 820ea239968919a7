#include "http/listener_tally.hpp"

#include <new>

namespace baton::http {

/// Without memory for it, the first answers are missing in the histogram.
void listener_tally::begin_latency(std::chrono::nanoseconds took) noexcept {
  auto* const made = new (std::nothrow) latency;
  if (made == nullptr) return;
  made->add(took);
  latency_.store(made, std::memory_order_release);
}

void listener_tally::add_to(listener_statistics& sum) const {
  for (std::size_t method = 0; method < sum.requests.size(); ++method)
    for (std::size_t outcome = 0; outcome < sum.requests[method].size(); ++outcome)
      sum.requests[method][outcome] += requests_[method][outcome].get();
  if (const auto* counts = latency_.load(std::memory_order_acquire); counts != nullptr) {
    for (std::size_t i = 0; i < durations::bucket_count; ++i)
      sum.latency.add(i, counts->buckets[i].get());
    sum.latency.add_sum(std::chrono::nanoseconds{counts->sum.get()});
  }
  sum.bytes_in += bytes_in.get();
  sum.bytes_out += bytes_out.get();
  // What closes is read before what opens: their difference is never negative.
  sum.http2_streams_closed += http2_streams_closed.get();
  sum.http2_streams_opened += http2_streams_opened.get();
  sum.websockets_closed += websockets_closed.get();
  sum.websockets_opened += websockets_opened.get();
  sum.websocket_messages_in += websocket_messages_in.get();
  sum.websocket_messages_out += websocket_messages_out.get();
}

}  // namespace baton::http

#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>

#include "baton/http/statistics.hpp"
#include "baton/net/counters.hpp"

namespace baton::http {

/// What one loop did for the clients of one listener: written by the loop's thread without a locked
/// instruction, read by any.
class alignas(64) listener_tally {
 public:
  listener_tally() = default;
  listener_tally(const listener_tally&) = delete;
  listener_tally& operator=(const listener_tally&) = delete;
  ~listener_tally() { delete latency_.load(std::memory_order_relaxed); }

  void answered(http::method by, unsigned status, std::chrono::nanoseconds took) noexcept {
    const auto outcome = status / 100 - 1;  // statuses are checked: 100 to 599
    place(by, outcome < 5 ? outcome : 4).add();
    auto* const counts = latency_.load(std::memory_order_relaxed);
    if (counts != nullptr) [[likely]]
      return counts->add(took);
    begin_latency(took);
  }
  void aborted(http::method by) noexcept {
    place(by, static_cast<std::size_t>(request_outcome::aborted)).add();
  }

  void add_to(listener_statistics& sum) const;

  net::counter bytes_in;
  net::counter bytes_out;
  net::counter http2_streams_opened;
  net::counter http2_streams_closed;
  net::counter websockets_opened;
  net::counter websockets_closed;
  net::counter websocket_messages_in;
  net::counter websocket_messages_out;

 private:
  struct latency {
    void add(std::chrono::nanoseconds took) noexcept {
      buckets[durations::bucket_of(took)].add();
      sum.add(static_cast<std::uint64_t>(took.count()));
    }
    net::counter buckets[durations::bucket_count];
    net::counter sum;  // nanoseconds
  };

  net::counter& place(http::method by, std::size_t outcome) noexcept {
    return requests_[static_cast<std::size_t>(by)][outcome];
  }
  void begin_latency(std::chrono::nanoseconds took) noexcept;

  net::counter requests_[method_count + 1][request_outcome_names.size()];
  std::atomic<latency*> latency_{nullptr};  // ours; made for the first answer
};

}  // namespace baton::http

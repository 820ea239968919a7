#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>

#include "admin/traffic.hpp"

namespace baton {
class server;
}

namespace baton::admin {

/// What a server does at the moment, as rates and percentiles since the last look.
class pulse {
 public:
  /// Listeners that one look shows; the fullest come first.
  static constexpr std::size_t most_listeners = 100;

  explicit pulse(server& of) : of_{of} {}
  void watch(const http::service& requests) { traffic_.watch(requests); }

  /// Forgets the last look, where nobody looked for a while: the next one has no rates.
  void rest() noexcept { looked_ = {}; }
  /// {at, connections, max_connections, requests, errors (both a second, or null), latency_ms {p50,
  /// p90, p99, p999} or null, listeners [...], more_listeners}. One thread.
  [[nodiscard]] boost::json::object take();

 private:
  struct totals {
    std::uint64_t answers = 0;
    std::uint64_t errors = 0;
    http::durations latency;
  };
  [[nodiscard]] boost::json::object rates();
  [[nodiscard]] totals count() const;

  server& of_;
  traffic traffic_;
  totals last_;
  std::chrono::steady_clock::time_point looked_{};  // the epoch: not yet
};

}  // namespace baton::admin

#pragma once

#include <atomic>
#include <cstdint>

namespace baton::net {

/// A counter that one thread writes and any thread reads: a plain add, no locked instruction.
class counter {
 public:
  void add(std::uint64_t amount = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t get() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// What one thread did; a reader sums over threads.
struct alignas(64) counters {
  counter accepted;       ///< connections taken from a listener
  counter closed;         ///< connections gone, for whatever reason
  counter accept_errors;  ///< accept4(2) failures other than EAGAIN and a client that left
  counter accept_pauses;  ///< times accept rested because of EMFILE, ENFILE or memory
  counter gate_waits;     ///< times a listener rested because its gate was full
  counter requests;       ///< requests answered
  counter bytes_in;
  counter bytes_out;
  counter deadlines;       ///< connections closed because a deadline passed
  counter dropped;         ///< connections dropped at the drain deadline
  counter tls_handshakes;  ///< TLS connections established, resumed ones included
  counter tls_resumed;     ///< of these, with a session ticket
  counter tls_failures;    ///< TLS connections refused before a service saw them
};

/// A sum over threads, as plain numbers.
struct counter_totals {
  std::uint64_t accepted = 0, closed = 0, accept_errors = 0, accept_pauses = 0, gate_waits = 0,
                requests = 0, bytes_in = 0, bytes_out = 0, deadlines = 0, dropped = 0,
                tls_handshakes = 0, tls_resumed = 0, tls_failures = 0;
  counter_totals& operator+=(const counters& other) noexcept;
};

}  // namespace baton::net

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "../load/histogram.hpp"
#include "../load/tally.hpp"
#include "outcome.hpp"

namespace bench {

/// What the clients of one kind met.
struct record {
  std::array<std::uint64_t, static_cast<std::size_t>(outcome::end)> outcomes{};
  std::uint64_t clients = 0;
  std::uint64_t connects = 0;
  std::uint64_t full_handshakes = 0;
  std::uint64_t resumed_handshakes = 0;
  std::uint64_t answered = 0;
  std::int64_t oldest_crossed = 0;  ///< nanoseconds that such a message was on its way
  histogram latency;
  pid_list pids;

  void count(outcome what, std::uint64_t times = 1) noexcept {
    outcomes[static_cast<std::size_t>(what)] += times;
  }
  [[nodiscard]] std::uint64_t operator[](outcome what) const noexcept {
    return outcomes[static_cast<std::size_t>(what)];
  }
  [[nodiscard]] std::uint64_t failed() const noexcept {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(outcome::first_remark); ++i)
      sum += outcomes[i];
    return sum;
  }
  void add(const record& other) {
    for (std::size_t i = 0; i < outcomes.size(); ++i) outcomes[i] += other.outcomes[i];
    clients += other.clients;
    connects += other.connects;
    full_handshakes += other.full_handshakes;
    resumed_handshakes += other.resumed_handshakes;
    answered += other.answered;
    if (other.oldest_crossed > oldest_crossed) oldest_crossed = other.oldest_crossed;
    latency.add(other.latency);
    pids.add(other.pids);
  }
};

}  // namespace bench

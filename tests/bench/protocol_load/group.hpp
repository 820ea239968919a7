#pragma once

#include <cstddef>
#include <cstdint>

#include "job.hpp"
#include "kind.hpp"
#include "loop.hpp"
#include "options.hpp"
#include "record.hpp"
#include "wire.hpp"

namespace bench {

/// The clients of one kind: what they share.
struct group {
  group(const kind& what, const protocol_options& options, loop& on, std::int64_t& answers)
      : is{what}, asked{options}, turns{on}, total_answers{answers}, jobs{options} {}

  /// A good answer that was asked for at `since`.
  void answered(std::int64_t since, bool measured = true) {
    if (measured) met.latency.record(turns.look() - since);
    ++met.answered;
    ++total_answers;
  }
  [[nodiscard]] std::int64_t deadline() const noexcept {
    return std::chrono::nanoseconds{asked.deadline}.count();
  }

  const kind& is;
  const protocol_options& asked;
  loop& turns;
  std::int64_t& total_answers;
  job_list jobs;
  record met;
  route way;
  std::int64_t started = 0;  ///< of the run
  std::size_t served = 0;    ///< clients that had an answer
  std::size_t next_job = 0;
};

}  // namespace bench
